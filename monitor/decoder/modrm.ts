// ModR/M, SIB and displacement (SDM 2A 2.1.3, 2.1.5).

import { VcpuFrame } from "../interface";
import { next16, next32, next8 } from "./fetch";
import { Register, frame, isLongMode, readRegister, sizeMask } from "./frame";
import { instruction } from "./instruction";
import { Rex, extend, useStackSegment } from "./prefixes";

const enum Mod { Indirect = 0, Displacement8 = 1, Displacement = 2, Register = 3 }
const SIB_FOLLOWS: u32 = 4;
const NO_INDEX: u32 = 4;
/** With 16-bit addresses: BP, or a displacement alone. */
const RM16_BP: u32 = 6;

/** Bits 5:3 of ModR/M without REX.R, which select the operation of an opcode group. */
let extension: u32 = 0;
/** The offset counts from the next instruction. */
let isRipRelative: bool = false;
/** The offset counts from RSP. */
let countsFromStack: bool = false;

/** Takes ModR/M and what belongs to it. False if its operand is a register. */
export function takeMemoryOperand(): bool {
  const modrm = next8();
  const mod = modrm >> 6;
  if (mod == Mod.Register) return false;
  extension = (modrm >> 3) & 7;
  instruction.register = extend(extension, Rex.R);
  isRipRelative = false;
  countsFromStack = false;
  if (instruction.addressSize == 2) takeOffset16(mod, modrm & 7);
  else takeOffset(mod, modrm & 7);
  return true;
}

export function opcodeExtension(): u32 {
  return extension;
}

export function isStackBased(): bool {
  return countsFromStack;
}

/** The offset of a RIP-relative operand is complete only when the length is known. */
export function completeOffset(): void {
  if (isRipRelative) instruction.offset += frame(VcpuFrame.Rip) + instruction.length;
  instruction.offset &= sizeMask(instruction.addressSize);
}

/** An operand with its offset in the instruction (A0-A3) or in registers alone. */
export function setOffset(offset: u64): void {
  isRipRelative = false;
  instruction.offset = offset;
}

/** Moves the operand that was taken. */
export function addOffset(distance: u64): void {
  instruction.offset += distance;
}

/** SDM 2A table 2-1. */
function takeOffset16(mod: u32, rm: u32): void {
  if (mod == Mod.Indirect && rm == RM16_BP) return setOffset(next16());
  if (rm == 2 || rm == 3 || rm == RM16_BP) useStackSegment();
  const displacement: u64 = mod == Mod.Displacement8 ? <u64><i64><i8>next8() : mod == Mod.Displacement ? next16() : 0;
  setOffset(registers16(rm) + displacement);
}

/** BX+SI, BX+DI, BP+SI, BP+DI, SI, DI, BP, BX. */
function registers16(rm: u32): u64 {
  switch (rm) {
    case 4: return readRegister(Register.Rsi, 2);
    case 5: return readRegister(Register.Rdi, 2);
    case RM16_BP: return readRegister(Register.Rbp, 2);
    case 7: return readRegister(Register.Rbx, 2);
  }
  const base: u32 = rm & 2 ? Register.Rbp : Register.Rbx;
  const index: u32 = rm & 1 ? Register.Rdi : Register.Rsi;
  return readRegister(base, 2) + readRegister(index, 2);
}

/** SDM 2A tables 2-2 and 2-3. */
function takeOffset(mod: u32, rm: u32): void {
  let base = rm;
  let offset: u64 = 0;
  if (rm == SIB_FOLLOWS) {
    const sib = next8();
    const index = extend((sib >> 3) & 7, Rex.X);
    base = sib & 7;
    if (index != NO_INDEX) offset = readRegister(index, 8) << (sib >> 6);
  }
  if (mod != Mod.Indirect || base != Register.Rbp) offset += readBase(base);
  else isRipRelative = rm == Register.Rbp && isLongMode();
  instruction.offset = offset + takeDisplacement(mod, base);
}

/** R12 and R13 are not of the stack segment, though their low bits are those of RSP and RBP. */
function readBase(base: u32): u64 {
  const register = extend(base, Rex.B);
  if (register == Register.Rsp || register == Register.Rbp) useStackSegment();
  countsFromStack = register == Register.Rsp;
  return readRegister(register, 8);
}

function takeDisplacement(mod: u32, base: u32): u64 {
  if (mod == Mod.Displacement8) return <u64><i64><i8>next8();
  if (mod == Mod.Displacement || base == Register.Rbp) return <u64><i64><i32>next32();
  return 0;
}
