// The plan's records of the cores, and of the modules that the loader left.

import { load32, load64, store64 } from "../memory/physical";
import { PlanHeader, header32, planAddress } from "./plan";

export const MAXIMUM_MODULES: u32 = 64;

export const enum PlanCore {
  Pml4 = 0x00, // u64 its page tables
  Block = 0x08, // u64 CorePage.Count frames: stacks and descriptor tables
  KernelMemory = 0x10, // u64 instance page and linear memory
  ApicId = 0x18, // u32
  Size = 0x20,
}

const CORES: u64 = 4 * 4096;
const MODULES: u64 = CORES + 0x800;

export function coreField(index: u32, field: PlanCore): u64 { return planAddress() + CORES + <u64>index * <u64>PlanCore.Size + <u64>field; }

export function core64(index: u32, field: PlanCore): u64 { return load64(coreField(index, field)); }
export function setCore64(index: u32, field: PlanCore, value: u64): void { store64(coreField(index, field), value); }
export function coreApicId(index: u32): u32 { return load32(coreField(index, PlanCore.ApicId)); }

export function moduleRecord(index: u32): u64 { return planAddress() + MODULES + <u64>index * 16; }

/** Physical address of a module. */
export function moduleAddress(index: u32): u64 { return load64(moduleRecord(index)); }
/** Bytes of a module. */
export function moduleSize(index: u32): u64 { return load64(moduleRecord(index) + 8); }
export function moduleCount(): u32 { return header32(PlanHeader.ModuleCount); }
