// Guest accesses to the pages of the BARs that hold an MSI-X table or its pending bits; the kernel maps no such page.

import { openBus } from "../status";
import { configValue, deviceOf } from "./config-space";
import { FUNCTION_INDICES, isPresent, NO_FUNCTION } from "./function-record";
import { Entry, MessageTable, messageTable, PENDING_SIZE, readEntry, writeEntry } from "./msix";
import { Command, Header } from "./register";

const ENTRY_SHIFT: u32 = 4;

function isInTable(table: MessageTable, gpa: u64): bool {
  return gpa - table.address < <u64>(table.count * Entry.Size);
}

function isInPending(table: MessageTable, gpa: u64): bool {
  return table.count != 0 && gpa - table.pendingAddress < <u64>PENDING_SIZE;
}

/** Index of the function that answers at `gpa`, or NO_FUNCTION. Without memory space enabled a function answers nowhere. */
function ownerOf(gpa: u64): u32 {
  for (let index: u32 = 0; index < FUNCTION_INDICES; index++) {
    if (!isPresent(index)) continue;
    const table = messageTable(index);
    if (!isInTable(table, gpa) && !isInPending(table, gpa)) continue;
    if ((configValue(deviceOf(index), Header.Command) & Command.MemorySpace) != 0) return index;
  }
  return NO_FUNCTION;
}

/** Whole 32- or 64-bit words only: anything else is undefined (PCI 3.0 6.8.2). */
function isWord(gpa: u64, size: u32): bool {
  return (size == 4 || size == 8) && (gpa & (size - 1)) == 0;
}

function readTable(index: u32, offset: u32): u32 {
  return readEntry(index, offset >> ENTRY_SHIFT, offset & (Entry.Size - 4));
}

/** Reads 4 or 8 bytes; all ones and AccessStatus.OpenBus where there is no table. */
export function readMessagePage(gpa: u64, size: u32): u64 {
  const index = isWord(gpa, size) ? ownerOf(gpa) : NO_FUNCTION;
  if (index == NO_FUNCTION) {
    openBus();
    return u64.MAX_VALUE;
  }
  const table = messageTable(index);
  if (!isInTable(table, gpa)) return table.pending >> ((gpa - table.pendingAddress) << 3);
  const offset = <u32>(gpa - table.address);
  const low = readTable(index, offset);
  return size == 4 ? low : ((<u64>readTable(index, offset + 4)) << 32) | low;
}

/** Writes 4 or 8 bytes; the pending bits are read-only. AccessStatus.OpenBus where there is no table. */
export function writeMessagePage(gpa: u64, size: u32, value: u64): void {
  const index = isWord(gpa, size) ? ownerOf(gpa) : NO_FUNCTION;
  if (index == NO_FUNCTION) {
    openBus();
    return;
  }
  const table = messageTable(index);
  if (!isInTable(table, gpa)) return;
  const offset = <u32>(gpa - table.address);
  writeEntry(index, offset >> ENTRY_SHIFT, offset & (Entry.Size - 4), <u32>value);
  if (size == 8) writeEntry(index, offset >> ENTRY_SHIFT, (offset + 4) & (Entry.Size - 4), <u32>(value >> 32));
}
