// Arithmetic flags (SDM 1 3.4.3.1). Operands and results are masked to `size` bytes.

import { VcpuFrame } from "../interface";
import { Rflags, frame, setFrame } from "./frame";

const ARITHMETIC: u64 = Rflags.Cf | Rflags.Pf | Rflags.Af | Rflags.Zf | Rflags.Sf | Rflags.Of;

/** a + b, or a + b + CF. */
export function setAddFlags(a: u64, b: u64, result: u64, size: u32): void {
  const carry: u64 = signBit((a & b) | ((a | b) & ~result), size) ? Rflags.Cf : 0;
  setFlags(carry | overflow((a ^ result) & (b ^ result), size) | adjust(a, b, result) | common(result, size));
}

/** a - b, or a - b - CF. */
export function setSubtractFlags(a: u64, b: u64, result: u64, size: u32): void {
  const borrow: u64 = signBit((~a & b) | ((~a | b) & result), size) ? Rflags.Cf : 0;
  setFlags(borrow | overflow((a ^ b) & (a ^ result), size) | adjust(a, b, result) | common(result, size));
}

/** AND, OR, XOR, TEST: CF and OF are cleared; AF is undefined, processors clear it. */
export function setLogicFlags(result: u64, size: u32): void {
  setFlags(common(result, size));
}

/** AF is undefined. */
export function setShiftFlags(carry: u64, overflow: u64, result: u64, size: u32): void {
  setFlags(carry | (overflow != 0 ? <u64>Rflags.Of : 0) | common(result, size));
}

/** CF and OF alone; the rest stays. */
export function setRotateFlags(carry: u64, overflow: u64): void {
  const others = frame(VcpuFrame.Rflags) & ~(<u64>(Rflags.Cf | Rflags.Of));
  setFrame(VcpuFrame.Rflags, others | carry | (overflow != 0 ? <u64>Rflags.Of : 0));
}

/** CF and OF tell that the product is too long; the others are undefined. */
export function setMultiplyFlags(isLong: bool): void {
  setRotateFlags(isLong ? 1 : 0, isLong ? 1 : 0);
}

/** 1 if CF is set. */
export function carryFlag(): u64 {
  return frame(VcpuFrame.Rflags) & Rflags.Cf;
}

/** CF alone; the rest stays. */
export function setCarryFlag(carry: u64): void {
  setFrame(VcpuFrame.Rflags, (frame(VcpuFrame.Rflags) & ~(<u64>Rflags.Cf)) | carry);
}

export function isZeroFlagSet(): bool {
  return (frame(VcpuFrame.Rflags) & Rflags.Zf) != 0;
}

/** ZF alone; the rest stays. */
export function setZeroFlag(isZero: bool): void {
  const zero: u64 = isZero ? Rflags.Zf : 0;
  setFrame(VcpuFrame.Rflags, (frame(VcpuFrame.Rflags) & ~(<u64>Rflags.Zf)) | zero);
}

function common(result: u64, size: u32): u64 {
  const zero: u64 = result == 0 ? Rflags.Zf : 0;
  const sign: u64 = signBit(result, size) ? Rflags.Sf : 0;
  const parity: u64 = popcnt<u64>(result & 0xff) & 1 ? 0 : Rflags.Pf;
  return zero | sign | parity;
}

function overflow(signs: u64, size: u32): u64 {
  return signBit(signs, size) ? Rflags.Of : 0;
}

function adjust(a: u64, b: u64, result: u64): u64 {
  return (a ^ b ^ result) & Rflags.Af;
}

function signBit(value: u64, size: u32): u64 {
  return (value >> ((size << 3) - 1)) & 1;
}

function setFlags(flags: u64): void {
  setFrame(VcpuFrame.Rflags, (frame(VcpuFrame.Rflags) & ~ARITHMETIC) | flags);
}
