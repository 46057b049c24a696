// Memory type range registers, SDM 3A 12.11: kept for the guest, which sees its memory as firmware would have set it up.
// The types that count are those of the EPT and of the guest's PAT.

import { beyondPhysicalAddress } from "../cpu/address-width";
import { Msr } from "../cpu/msr-index";

/** Eight variable ranges, fixed ranges, write combining. */
const CAPABILITY: u64 = 8 | (1 << 8) | (1 << 10);
const VARIABLE_REGISTERS: u32 = 16;
const FIXED_REGISTERS: u32 = 11;

const DEFAULT_ENABLED: u64 = (1 << 11) | (1 << 10); // E, FE
const DEFAULT_RESERVED: u64 = ~<u64>0xcff;
const BASE_RESERVED: u64 = 0xf00;
const MASK_RESERVED: u64 = 0x7ff;
const MASK_VALID: u64 = 1 << 11;

const TYPE_WRITE_BACK: u64 = 6;
const ALL_WRITE_BACK: u64 = 0x0606060606060606;
/** UC, WC, WT, WP and WB; the other encodings are reserved. */
const VALID_TYPES: u32 = (1 << 0) | (1 << 1) | (1 << 4) | (1 << 5) | (1 << 6);

/** Devices from 3 to 4 GiB are uncached, whatever memory there is. */
const DEVICES_BASE: u64 = 0xc0000000;
const DEVICES_SIZE: u64 = 0x40000000;
/** IA32_MTRR_FIX16K_A0000 covers the memory of VGA, which is uncached. */
const FIXED_VGA: u32 = 2;

const variable: usize = memory.data(128, 8); // VARIABLE_REGISTERS u64
const fixed: usize = memory.data(88, 8); // FIXED_REGISTERS u64
let defaultType: u64 = 0;

/** As firmware leaves them: memory write-back, devices uncached. */
export function resetMtrrs(): void {
  memory.fill(variable, 0, VARIABLE_REGISTERS << 3);
  for (let i: u32 = 0; i < FIXED_REGISTERS; i++) store<u64>(fixed + (i << 3), ALL_WRITE_BACK);
  store<u64>(fixed + (FIXED_VGA << 3), 0);
  store<u64>(variable, DEVICES_BASE);
  store<u64>(variable + 8, (~(DEVICES_SIZE - 1) & ~beyondPhysicalAddress()) | MASK_VALID);
  defaultType = DEFAULT_ENABLED | TYPE_WRITE_BACK;
}

export function isMtrr(index: u32): bool {
  return index == Msr.IA32_MTRRCAP || index == Msr.IA32_MTRR_DEF_TYPE || index - Msr.IA32_MTRR_PHYSBASE0 < VARIABLE_REGISTERS || fixedRegister(index) != 0;
}

/** Value of a register that isMtrr() knows. */
export function readMtrr(index: u32): u64 {
  if (index == Msr.IA32_MTRRCAP) return CAPABILITY;
  if (index == Msr.IA32_MTRR_DEF_TYPE) return defaultType;
  const place = fixedRegister(index);
  return load<u64>(place != 0 ? place : variableRegister(index));
}

/** Writes a register that isMtrr() knows; false if the processor would raise #GP(0). */
export function writeMtrr(index: u32, value: u64): bool {
  if (index == Msr.IA32_MTRRCAP) return false;
  if (index == Msr.IA32_MTRR_DEF_TYPE) {
    if ((value & DEFAULT_RESERVED) || !isType(value)) return false;
    defaultType = value;
    return true;
  }
  const place = fixedRegister(index);
  if (place != 0 ? !areTypes(value) : !isRange(index, value)) return false;
  store<u64>(place != 0 ? place : variableRegister(index), value);
  return true;
}

/** PHYSBASE and PHYSMASK of a range have even and odd numbers. */
function variableRegister(index: u32): usize {
  return variable + ((index - Msr.IA32_MTRR_PHYSBASE0) << 3);
}

/** Where a fixed-range register is kept, 0 for another one: one of 64 KiB ranges, two of 16 KiB, eight of 4 KiB. */
function fixedRegister(index: u32): usize {
  if (index == Msr.IA32_MTRR_FIX64K_00000) return fixed;
  if (index - Msr.IA32_MTRR_FIX16K_80000 < 2) return fixed + ((1 + index - Msr.IA32_MTRR_FIX16K_80000) << 3);
  if (index - Msr.IA32_MTRR_FIX4K_C0000 < 8) return fixed + ((3 + index - Msr.IA32_MTRR_FIX4K_C0000) << 3);
  return 0;
}

function isRange(index: u32, value: u64): bool {
  if (value & beyondPhysicalAddress()) return false;
  if (index & 1) return (value & MASK_RESERVED) == 0;
  return (value & BASE_RESERVED) == 0 && isType(value);
}

function isType(value: u64): bool {
  const type = <u32>value & 0xff;
  return type < 32 && ((VALID_TYPES >> type) & 1) != 0;
}

function areTypes(value: u64): bool {
  for (let i: u32 = 0; i < 8; i++) {
    if (!isType(value >> (i << 3))) return false;
  }
  return true;
}
