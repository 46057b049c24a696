// Context entries in scalable form, VT-d 4.1 9.4 to 9.6: a source id leads to a PASID directory, and requests without a
// PASID to entry 0 of its first table. All devices of a partition share one directory and one table.
//
//   context entry (32 bytes)      P, DTE, PASID directory (PDTS 0: 128 entries) | RID_PASID 0
//   PASID directory entry         P, PASID table
//   PASID table entry (64 bytes)  P, AW, PGTT 2 (second level only), second-level root | DID

import { allocate } from "../memory/frames";
import { PAGE_SIZE } from "../../kernel/memory/layout";
import { flushCache, store64 } from "../../kernel/memory/physical";
import { tableLevels } from "./shape";

const PRESENT: u64 = 1 << 0;
const DEVICE_TLB_ENABLE: u64 = 1 << 2; // DTE
const ADDRESS_WIDTH_SHIFT: u64 = 2; // AW
const SECOND_LEVEL_ONLY: u64 = 2 << 6; // PGTT
const ENTRY_SIZE: u64 = 32;
const MAXIMUM_DOMAINS: u32 = 64;

// PASID directory of each domain id, 0 if it has none yet.
const directories: usize = memory.data(512, 8); // MAXIMUM_DOMAINS u64

/** Writes a source id's entry; false if no frame is left. */
export function writeScalableEntry(entry: u64, domainId: u32, root: u64, deviceTlb: bool): bool {
  const directory = directoryOf(domainId, root);
  if (directory == 0) return false;
  store64(entry + 8, 0);
  store64(entry, directory | PRESENT | (deviceTlb ? DEVICE_TLB_ENABLE : 0));
  flushCache(entry, ENTRY_SIZE);
  return true;
}

/** PASID directory of a domain, made at first; 0 if no frame is left. */
export function directoryOf(domainId: u32, root: u64): u64 {
  if (domainId >= MAXIMUM_DOMAINS) return 0;
  const slot = directories + (<usize>domainId << 3);
  if (load<u64>(slot) == 0) store<u64>(slot, makeDirectory(domainId, root));
  return load<u64>(slot);
}

/** The PASID table follows in the next frame. */
function makeDirectory(domainId: u32, root: u64): u64 {
  const directory = allocate(2, 1);
  if (directory == 0) return 0;
  const table = directory + PAGE_SIZE;
  store64(table + 8, <u64>domainId);
  store64(table, root | PRESENT | SECOND_LEVEL_ONLY | (<u64>(tableLevels() - 2) << ADDRESS_WIDTH_SHIFT));
  store64(directory, table | PRESENT);
  flushCache(directory, 2 * PAGE_SIZE);
  return directory;
}
