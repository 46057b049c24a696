// Width of physical addresses, SDM 2A CPUID leaf 80000008H.

import { cpuid } from "./processor";

const LEAF_ADDRESS_SIZES: u32 = 0x80000008;
const WITHOUT_LEAF: u64 = 36;

const scratch = memory.data(16, 8);

/** MAXPHYADDR. */
export function physicalAddressBits(): u64 {
  cpuid(0x80000000, 0, scratch);
  if (load<u32>(scratch) < LEAF_ADDRESS_SIZES) return WITHOUT_LEAF;
  cpuid(LEAF_ADDRESS_SIZES, 0, scratch);
  return <u64>(load<u32>(scratch) & 0xff);
}

/** The bits of a 64-bit word that no physical address has. */
export function beyondPhysicalAddress(): u64 { return ~((<u64>1 << physicalAddressBits()) - 1); }
