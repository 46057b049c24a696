// Core 0's first page tables (boot/page-tables.c) reach BOOT_DIRECT_END; firmware may put a screen far above it.

import { cpuid, readCr3 } from "../cpu/processor";
import { BOOT_DIRECT_END, DIRECT_BASE } from "./layout";
import { load64, store64 } from "./physical";

// Page-table entries, SDM 3A tables 4-15 and 4-16.
const PRESENT: u64 = 1 << 0;
const WRITABLE: u64 = 1 << 1;
const WRITE_THROUGH: u64 = 1 << 3; // PWT
const CACHE_DISABLE: u64 = 1 << 4; // PCD; with PWT: UC
const LARGE: u64 = 1 << 7;
const EXECUTE_DISABLE: u64 = 1 << 63; // XD
const FRAME: u64 = 0x000ffffffffff000;

const GIBIBYTE_SHIFT: u64 = 30;
/** One table of 512 GiB holds the boot core's direct map. */
const TABLE_END: u64 = 512 << 30;
/** CPUID.80000001H:EDX bit 26. */
const EXTENDED_FEATURES: u32 = 0x80000001;
const HAS_GIBIBYTE_PAGES: u32 = 1 << 26;

const registers: usize = memory.data(16, 4);

/** Before the seal: makes a range of device memory reachable through phys. False if that cannot be. */
export function reachFromBootTables(address: u64, length: u64): bool {
  if (length == 0 || length > TABLE_END || address > TABLE_END - length) return false;
  const end = address + length;
  if (end <= BOOT_DIRECT_END) return true;
  if (!hasGibibytePages()) return false;
  const root = readCr3() & FRAME;
  const table = load64(root + (((DIRECT_BASE >> 39) & 0x1ff) << 3)) & FRAME;
  for (let page = address >> GIBIBYTE_SHIFT; page << GIBIBYTE_SHIFT < end; page++) {
    const entry = table + (page << 3);
    // Nothing was there, so that no translation has to be flushed.
    if (load64(entry) == 0) store64(entry, page << GIBIBYTE_SHIFT | LARGE | PRESENT | WRITABLE | WRITE_THROUGH | CACHE_DISABLE | EXECUTE_DISABLE);
  }
  return true;
}

function hasGibibytePages(): bool {
  cpuid(EXTENDED_FEATURES, 0, registers);
  return (load<u32>(registers, 12) & HAS_GIBIBYTE_PAGES) != 0;
}
