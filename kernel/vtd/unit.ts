// The remapping units of the machine, as core 0 knows them. Other cores never touch a unit.

import { load32, load64, store32, store64 } from "../memory/physical";
import { PAGE_SIZE } from "../memory/layout";
import { Register, faultRecordingOffset, faultRecords, tlbRegisterOffset } from "./register";

export const MAXIMUM_UNITS: u32 = 64;

/** Bytes of one fault recording register, and of IVA and IOTLB together. */
const FAULT_RECORD: u64 = 16;
const TLB_REGISTERS: u64 = 16;

/** Frames and state of one unit; physical addresses, 0 until they are given. */
@unmanaged
export class Unit {
  /** Register block, and its bytes: what CAP and ECAP need, or what the DMAR table says if that is more (VT-d 4.1 8.3, 11.4). */
  registers: u64;
  registersLength: u64;
  /** CAP and ECAP as read once. */
  capability: u64;
  extended: u64;
  /** Root table: one frame. */
  rootTable: u64;
  /** Invalidation queue: one frame of descriptors and one whose first u32 wait descriptors write; 0: registers are used. */
  queue: u64;
  /** Interrupt remapping table. */
  interruptTable: u64;
  /** PCI segment that it serves. */
  segment: u32;
  /** Offset of the next descriptor in the queue. */
  queueTail: u32;
  /** Value that the last wait descriptor writes. */
  waitValue: u32;
  /** 1: root and context tables have the scalable form. */
  isScalable: u32;
  /** Faults taken from its records. */
  faults: u32;
  /** Invalidation errors and time-outs met. */
  queueErrors: u32;
  /** Index in the table of units. */
  index: u32;
  /** 1: translation is on with the kernel's own root table. */
  isTranslating: u32;
  /** 1: interrupt remapping is on with the kernel's own table. */
  isRemapping: u32;
}
export const UNIT_SIZE: usize = 96;

const units: usize = memory.data(6144, 8); // MAXIMUM_UNITS * UNIT_SIZE
let count: u32 = 0;

export function unitCount(): u32 { return count; }

export function unitAt(index: u32): Unit {
  return changetype<Unit>(units + <usize>index * UNIT_SIZE);
}

export function clearUnits(): void { count = 0; }

/** Takes a unit into the table and reads its capabilities; the caller keeps to MAXIMUM_UNITS. */
export function addUnit(registers: u64, segment: u32): Unit {
  const unit = unitAt(count);
  memory.fill(changetype<usize>(unit), 0, UNIT_SIZE);
  unit.index = count;
  unit.registers = registers;
  unit.segment = segment;
  unit.capability = load64(registers + <u64>Register.CAP);
  unit.extended = load64(registers + <u64>Register.ECAP);
  unit.registersLength = registersNeeded(unit);
  count++;
  return unit;
}

/** Whole pages up to the last register that CAP and ECAP place. */
function registersNeeded(unit: Unit): u64 {
  const faults = faultRecordingOffset(unit.capability) + <u64>faultRecords(unit.capability) * FAULT_RECORD;
  return (max(faults, tlbRegisterOffset(unit.extended) + TLB_REGISTERS) + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
}

/** Whether any unit remaps interrupts by now. */
export function isAnyRemapping(): bool {
  for (let i: u32 = 0; i < count; i++) {
    if (unitAt(i).isRemapping != 0) return true;
  }
  return false;
}

export function read32(unit: Unit, register: Register): u32 { return load32(unit.registers + <u64>register); }
export function read64(unit: Unit, register: Register): u64 { return load64(unit.registers + <u64>register); }
export function write32(unit: Unit, register: Register, value: u32): void { store32(unit.registers + <u64>register, value); }
export function write64(unit: Unit, register: Register, value: u64): void { store64(unit.registers + <u64>register, value); }
