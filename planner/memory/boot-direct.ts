// Core 0's first page tables (boot/page-tables.c) reach memory below BOOT_DIRECT_END; firmware may put a screen far above it.

import { cpuid } from "../../kernel/cpu/processor";
import { BOOT_DEVICES_END, BOOT_DIRECT_END } from "../../kernel/memory/layout";

/** CPUID.80000001H:EDX bit 26. */
const EXTENDED_FEATURES: u32 = 0x80000001;
const HAS_GIBIBYTE_PAGES: u32 = 1 << 26;

const registers: usize = memory.data(16, 4);

/** Whether a range of device memory can be reached through phys before the seal. */
export function reachFromBootTables(address: u64, length: u64): bool {
  if (length == 0 || length > BOOT_DEVICES_END || address > BOOT_DEVICES_END - length) return false;
  return address + length <= BOOT_DIRECT_END || hasGibibytePages();
}

function hasGibibytePages(): bool {
  cpuid(EXTENDED_FEATURES, 0, registers);
  return (load<u32>(registers, 12) & HAS_GIBIBYTE_PAGES) != 0;
}
