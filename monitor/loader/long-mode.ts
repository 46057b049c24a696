// What the 64-bit boot protocol wants in guest memory: identity page tables and a GDT (Linux, boot.rst,
// "64-bit boot protocol").

import { clear, store64 } from "../imports";
import { BOOT_GDT, IDENTITY_TABLES } from "./layout";

const PAGE_SIZE: u64 = 4096;
const DIRECTORIES: u64 = 4; // a GiB each
const ENTRIES: u64 = 512;
const LARGE_PAGE: u64 = 0x200000;

/** SDM 3A 4.5, page-table entry bits. */
const enum PageEntry {
  Present = 1 << 0,
  Writable = 1 << 1,
  Accessed = 1 << 5,
  Dirty = 1 << 6,
  PageSize = 1 << 7,
}

/** SDM 3A 3.4.5: base 0, limit 4 GiB, accessed. Code at selector 0x10: execute/read, L = 1. Data at 0x18: read/write. */
const CODE_SEGMENT: u64 = 0x00AF9B000000FFFF;
const DATA_SEGMENT: u64 = 0x00CF93000000FFFF;

/** Identity of the low 4 GiB in 2 MiB pages. False if the tables do not fit the partition's memory. */
export function writeIdentityTables(): bool {
  const table: u64 = PageEntry.Present | PageEntry.Writable | PageEntry.Accessed;
  const page: u64 = table | PageEntry.Dirty | PageEntry.PageSize;
  const pointers = IDENTITY_TABLES + PAGE_SIZE;
  const directories = pointers + PAGE_SIZE;
  if (!clear(IDENTITY_TABLES, (2 + DIRECTORIES) * PAGE_SIZE)) return false;
  store64(IDENTITY_TABLES, pointers | table);
  for (let i: u64 = 0; i < DIRECTORIES; i++) store64(pointers + i * 8, (directories + i * PAGE_SIZE) | table);
  for (let i: u64 = 0; i < DIRECTORIES * ENTRIES; i++) store64(directories + i * 8, (i * LARGE_PAGE) | page);
  return true;
}

export function writeBootGdt(): void {
  store64(BOOT_GDT, 0);
  store64(BOOT_GDT + 0x08, 0);
  store64(BOOT_GDT + 0x10, CODE_SEGMENT);
  store64(BOOT_GDT + 0x18, DATA_SEGMENT);
}
