// Random states in which a form's instruction is executed.

import type { Form } from "./forms.ts";
import { OPERAND, OPERAND_BYTES, plainVectors, type Trial } from "./native.ts";
import { Random } from "./random.ts";
import { BASES_64, type Target } from "./target.ts";

const PAGE = 4096;
export const ARITHMETIC_FLAGS = 0x8d5n;
const ALWAYS_SET = 0x2n;
const RAX = 0;
const RDX = 2;
/** The operand lies in the middle of the bytes that a trial gives and gets back. */
const BEFORE = OPERAND_BYTES / 2;

/** A trial and the linear address of the operand in it, which a bit number has moved. */
export interface Placed {
  trial: Trial;
  operand: bigint;
}

export function placeTrial(random: Random, target: Target, form: Form, number: number, length: number): Placed {
  const start = addressOf(random, form, length);
  const registers = addressRegisters(random, form, start);
  const operand = start + moveByBitNumber(random, form, registers);
  const bytes = Buffer.alloc(OPERAND_BYTES);
  for (let at = 0; at < OPERAND_BYTES; at += 8) bytes.writeBigUInt64LE(random.operand(), at);
  if (form.comparesAccumulator === true && random.below(2) === 0) expectOperand(form, registers, bytes);
  if (form.divides === true) letQuotientFit(random, form, registers, bytes);
  const flags = (random.word() & ARITHMETIC_FLAGS) | ALWAYS_SET;
  const offset = Number(start - OPERAND) - BEFORE;
  return { operand, trial: { form: number, codeSize: target.code, registers, flags, fsBase: BASES_64.fs, gsBase: BASES_64.gs, offset, bytes, vectors: randomVectors(random) } };
}

/** Often across the edge between the operand's two pages, or right behind it. */
function addressOf(random: Random, form: Form, length: number): bigint {
  const { base, scale = 1, displacement = 0n, segmentBase, fixed, isRipRelative = false } = form.addressing;
  if (fixed !== undefined) return isRipRelative ? fixed + BigInt(length) : fixed;
  const atEdge = random.below(3) === 0;
  const start = OPERAND + BigInt(atEdge ? PAGE - random.below(form.size + 1) : BEFORE + 8 + random.below(2 * PAGE - OPERAND_BYTES - 8));
  if (form.isAligned === true) return start & ~0xfn;
  return base === undefined ? start - ((start - displacement - segmentBase) % BigInt(scale)) : start; // else out of the index's reach
}

/** Registers that make the form address `start`; what does not count for an address is random. */
function addressRegisters(random: Random, form: Form, start: bigint): bigint[] {
  const registers = Array.from({ length: 16 }, () => random.operand());
  const { base, index, scale = 1, displacement = 0n, fixed, width, segmentBase } = form.addressing;
  if (fixed !== undefined) return registers;
  let rest = start - segmentBase - displacement;
  const set = (register: number, value: bigint): void => {
    registers[register] = BigInt.asUintN(width, value) | (BigInt.asUintN(64 - width, random.word()) << BigInt(width));
  };
  if (index !== undefined) {
    const value = base === undefined ? rest / BigInt(scale) : BigInt(random.below(0x1000));
    set(index, value);
    rest -= value * BigInt(scale);
  }
  if (base !== undefined) set(base, rest);
  return registers;
}

/** Draws a bit number inside the trial's bytes; returns by how many bytes it moves the operand. */
function moveByBitNumber(random: Random, form: Form, registers: bigint[]): bigint {
  if (form.bitRegister === undefined) return 0n;
  const bits = form.size * 8;
  const bit = random.below(OPERAND_BYTES * 8) - BEFORE * 8;
  registers[form.bitRegister] = BigInt.asUintN(bits, BigInt(bit)) | (BigInt.asUintN(64 - bits, random.word()) << BigInt(bits));
  return BigInt(Math.floor(bit / bits) * form.size);
}

/** Lets the comparison of CMPXCHG come out equal, where the address does not need these registers. */
function expectOperand(form: Form, registers: bigint[], bytes: Buffer): void {
  const { base, index } = form.addressing;
  const isPair = form.text.includes("cmpxchg8b");
  if (form.size === 16) {
    if (base !== RAX && index !== RAX && base !== RDX && index !== RDX) [registers[RAX], registers[RDX]] = [bytes.readBigUInt64LE(BEFORE), bytes.readBigUInt64LE(BEFORE + 8)];
    return;
  }
  const low = bytes.readUIntLE(BEFORE, Math.min(form.size, 4));
  const free = (register: number): boolean => register !== base && register !== index;
  if (free(RAX)) registers[RAX] = form.size === 8 && !isPair ? bytes.readBigUInt64LE(BEFORE) : BigInt(low);
  if (isPair && free(RDX)) registers[RDX] = BigInt(bytes.readUInt32LE(BEFORE + 4));
}

/** An image for FXRSTOR64: any registers, any of those of the x87 valid and any its top. */
function randomVectors(random: Random): Buffer {
  const image = plainVectors();
  image.writeUInt16LE(random.below(8) << 11, 2);
  image.writeUInt8(random.below(256), 4);
  for (let register = 0; register < 8; register++) {
    image.writeBigUInt64LE(random.word(), 32 + register * 16);
    image.writeUInt16LE(random.below(0x10000), 40 + register * 16);
  }
  for (let at = 160; at < 416; at += 8) image.writeBigUInt64LE(random.word(), at);
  return image;
}

/** Draws a divisor that is larger than the dividend's upper half, for IDIV twice as large; the address needs neither RAX nor RDX. */
function letQuotientFit(random: Random, form: Form, registers: bigint[], bytes: Buffer): void {
  const bits = form.size * 8;
  const isSigned = form.text.startsWith("idiv");
  const magnitude = BigInt.asUintN(isSigned ? bits - 1 : bits, random.operand()) | 2n;
  const upper = random.word() % (isSigned ? magnitude / 2n : magnitude);
  const sign = (): bigint => (isSigned && random.below(2) === 0 ? -1n : 1n);
  const dividend = BigInt.asUintN(2 * bits, sign() * ((upper << BigInt(bits)) | BigInt.asUintN(bits, random.operand())));
  const divisor = Buffer.alloc(8);
  divisor.writeBigUInt64LE(BigInt.asUintN(64, sign() * magnitude));
  divisor.copy(bytes, BEFORE, 0, form.size);
  const keep = (register: number, width: number, value: bigint): void => void (registers[register] = ((registers[register]! >> BigInt(width)) << BigInt(width)) | value);
  if (form.size === 1) return keep(RAX, 16, dividend);
  keep(RAX, bits, BigInt.asUintN(bits, dividend));
  keep(RDX, bits, dividend >> BigInt(bits));
}
