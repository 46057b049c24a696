// Memory type range registers, SDM 3A 12.11: kept for the guest, which sees its memory as firmware would have set it up.
// The types that count are those of the EPT and of the guest's PAT.

import { beyondPhysicalAddress } from "../../configuration";
import { MAXIMUM_VCPUS } from "../../interface";

const enum MtrrMsr {
  CAP = 0x0fe, // IA32_MTRRCAP
  PHYSBASE0 = 0x200,
  FIX64K_00000 = 0x250,
  FIX16K_80000 = 0x258,
  FIX4K_C0000 = 0x268,
  DEF_TYPE = 0x2ff,
}

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

/** One vCPU's registers: default type, variable ranges, fixed ranges. */
const DEFAULT: u32 = 0;
const VARIABLE: u32 = 8;
const FIXED: u32 = VARIABLE + (VARIABLE_REGISTERS << 3);
const SIZE: u32 = 256;
const registers: usize = memory.data(2048, 8); // MAXIMUM_VCPUS * SIZE

function registersOf(vcpu: u32): usize { return registers + (vcpu & (MAXIMUM_VCPUS - 1)) * SIZE; }

/** As firmware leaves them: memory write-back, devices uncached. */
export function resetMtrrs(vcpu: u32): void {
  const own = registersOf(vcpu);
  memory.fill(own, 0, SIZE);
  for (let i: u32 = 0; i < FIXED_REGISTERS; i++) store<u64>(own + FIXED + (i << 3), ALL_WRITE_BACK);
  store<u64>(own + FIXED + (FIXED_VGA << 3), 0);
  store<u64>(own + VARIABLE, DEVICES_BASE);
  store<u64>(own + VARIABLE + 8, (~(DEVICES_SIZE - 1) & ~beyondPhysicalAddress()) | MASK_VALID);
  store<u64>(own + DEFAULT, DEFAULT_ENABLED | TYPE_WRITE_BACK);
}

export function isMtrr(index: u32): bool { return index == MtrrMsr.CAP || placeOf(index) >= 0; }

/** Value of a register that isMtrr() knows. */
export function readMtrr(vcpu: u32, index: u32): u64 {
  return index == MtrrMsr.CAP ? CAPABILITY : load<u64>(registersOf(vcpu) + placeOf(index));
}

/** Writes a register that isMtrr() knows; false if the processor would raise #GP(0). */
export function writeMtrr(vcpu: u32, index: u32, value: u64): bool {
  if (index == MtrrMsr.CAP || !isValid(index, value)) return false;
  store<u64>(registersOf(vcpu) + placeOf(index), value);
  return true;
}

/** Where among a vCPU's registers one is kept, -1 for another MSR. Fixed ranges: one of 64 KiB, two of 16 KiB, eight of 4 KiB. */
function placeOf(index: u32): i32 {
  if (index == MtrrMsr.DEF_TYPE) return DEFAULT;
  if (index - MtrrMsr.PHYSBASE0 < VARIABLE_REGISTERS) return VARIABLE + ((index - MtrrMsr.PHYSBASE0) << 3);
  if (index == MtrrMsr.FIX64K_00000) return FIXED;
  if (index - MtrrMsr.FIX16K_80000 < 2) return FIXED + ((1 + index - MtrrMsr.FIX16K_80000) << 3);
  if (index - MtrrMsr.FIX4K_C0000 < 8) return FIXED + ((3 + index - MtrrMsr.FIX4K_C0000) << 3);
  return -1;
}

function isValid(index: u32, value: u64): bool {
  if (index == MtrrMsr.DEF_TYPE) return (value & DEFAULT_RESERVED) == 0 && isType(value);
  return index - MtrrMsr.PHYSBASE0 < VARIABLE_REGISTERS ? isRange(index, value) : areTypes(value);
}

/** PHYSBASE and PHYSMASK of a range have even and odd numbers. */
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
