// The guest's memory map. An e820 entry and an hvm_memmap_table_entry both start with address, size and type; only
// the distance from one entry to the next differs.

import { highMemory, lowMemory } from "../configuration";
import { store32, store64 } from "../imports";
import { HIGH_MEMORY_BASE, LOW_RESERVED_BASE, LOW_RESERVED_END } from "../interface";

/** ACPI 6.4 table 15.4, address range types. */
const enum RangeType { Memory = 1, Reserved = 2 }

const enum Entry {
  Address = 0, // u64
  Length = 8, // u64
  Type = 16, // u32
}

export const E820_ENTRY_SIZE: u64 = 20;
export const START_INFO_ENTRY_SIZE: u64 = 24;

export function memoryMapEntries(): u32 {
  return highMemory() == 0 ? 3 : 4;
}

/** Writes the map from `table` on, one entry every `entrySize` bytes; returns the number of entries. */
export function writeMemoryMap(table: u64, entrySize: u64): u32 {
  writeEntry(table, 0, LOW_RESERVED_BASE, RangeType.Memory);
  writeEntry(table + entrySize, LOW_RESERVED_BASE, LOW_RESERVED_END - LOW_RESERVED_BASE, RangeType.Reserved);
  writeEntry(table + 2 * entrySize, LOW_RESERVED_END, lowMemory() - LOW_RESERVED_END, RangeType.Memory);
  if (highMemory() != 0) writeEntry(table + 3 * entrySize, HIGH_MEMORY_BASE, highMemory(), RangeType.Memory);
  return memoryMapEntries();
}

function writeEntry(entry: u64, address: u64, length: u64, type: u32): void {
  store64(entry + Entry.Address, address);
  store64(entry + Entry.Length, length);
  store32(entry + Entry.Type, type);
}
