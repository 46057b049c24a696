// Task-state segments of 32 and 16 bits (SDM 3A 8.2.1, 8.6). Their fields have one order; that of 16 bits lacks CR3, FS and GS.

import { isReachable, readLinear, writeLinear } from "./supervisor-memory";

/** Numbers of the fields that both have, from EIP on; general registers in encoding order. */
export const enum TaskField { InstructionPointer = 0, Flags = 1, Registers = 2, Segments = 10 }
export const REGISTERS: u32 = 8;

const WIDE_FIRST: u32 = 0x20;
const NARROW_FIRST: u32 = 0x0e;
const WIDE_CR3: u32 = 0x1c;
/** Of the last field that a switch uses. */
const WIDE_END: u32 = 0x64;
const NARROW_END: u32 = 0x2c;
const WIDE_MINIMUM_LIMIT: u32 = 0x67;
const NARROW_MINIMUM_LIMIT: u32 = 0x2b;

export function segmentCount(isWide: bool): u32 { return isWide ? 6 : 4; }
export function minimumLimit(isWide: bool): u32 { return isWide ? WIDE_MINIMUM_LIMIT : NARROW_MINIMUM_LIMIT; }
/** The field of the LDT's selector. */
export function localTableField(isWide: bool): u32 { return TaskField.Segments + segmentCount(isWide); }

export function isTaskReachable(base: u64, isWide: bool, isWrite: bool): bool {
  return isReachable(base, isWide ? WIDE_END : NARROW_END, isWrite);
}

export function readField(vcpu: u32, base: u64, isWide: bool, field: u32): u32 {
  return <u32>readLinear(vcpu, place(base, isWide, field), sizeOf(isWide));
}

export function writeField(vcpu: u32, base: u64, isWide: bool, field: u32, value: u64): void {
  writeLinear(vcpu, place(base, isWide, field), sizeOf(isWide), value);
}

export function readCr3(vcpu: u32, base: u64): u32 {
  return <u32>readLinear(vcpu, base + WIDE_CR3, 4);
}

/** The previous task link. */
export function writeLink(vcpu: u32, base: u64, selector: u32): void {
  writeLinear(vcpu, base, 2, selector);
}

function place(base: u64, isWide: bool, field: u32): u64 {
  return base + (isWide ? WIDE_FIRST + (field << 2) : NARROW_FIRST + (field << 1));
}

function sizeOf(isWide: bool): u32 { return isWide ? 4 : 2; }
