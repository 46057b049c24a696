// What a partition's EPT maps, as the policy gives it: its memory, its ROM, and the memory of the PCI functions that it owns. The
// builder maps this list, and the seal compares the finished tables with it.

import { MSIX_ENTRY_SIZE } from "../../drivers/pci/msix";
import { HIGH_MEMORY_BASE, LOCAL_APIC_BASE, ROM_END } from "../../monitor/interface";
import { PAGE_SIZE } from "../memory/layout";
import { PlanPartition, field64 } from "../partition/plan";
import { BARS, PlanFunction, barAddress, barGuestAddress, barIsIo, barSize, function32, functionCount } from "../partition/plan-functions";
import { addGrant, clearGrants } from "./grants";

/** Bits of a leaf, SDM 3C table 29-6. */
const READ: u64 = 1 << 0;
const WRITE: u64 = 1 << 1;
const EXECUTE: u64 = 1 << 2;
const WRITE_BACK: u64 = 6 << 3;
/** Of an entry in use one of these is set; one that leads to a table has all. */
export const EPT_RIGHTS: u64 = READ | WRITE | EXECUTE;

/** Fills the list for a partition, with the APIC-access page or without. */
export function describeMemory(partition: u32, withApicPage: bool): void {
  clearGrants();
  const base = field64(partition, PlanPartition.MemoryBase);
  const low = field64(partition, PlanPartition.LowMemory);
  addGrant(0, base, low, READ | WRITE | EXECUTE | WRITE_BACK);
  addGrant(HIGH_MEMORY_BASE, base + low, field64(partition, PlanPartition.HighMemory), READ | WRITE | EXECUTE | WRITE_BACK);
  // What hardware answers writes to a ROM with: nothing changes.
  const rom = field64(partition, PlanPartition.RomSize);
  addGrant(ROM_END - rom, field64(partition, PlanPartition.RomBase), rom, READ | EXECUTE | WRITE_BACK);
  // An empty frame, of which the processor uses the address only (SDM 3C 30.4).
  if (withApicPage) addGrant(LOCAL_APIC_BASE, field64(partition, PlanPartition.ApicAccessPage), PAGE_SIZE, READ | WRITE | WRITE_BACK);
  for (let record: u32 = 0; record < functionCount(); record++) {
    if (function32(record, PlanFunction.Partition) != partition) continue;
    for (let bar: u32 = 0; bar < BARS; bar++) {
      if (barSize(record, bar) != 0 && !barIsIo(record, bar)) addBar(record, bar);
    }
  }
}

/** All pages of a BAR but those of the MSI-X table and its pending bits, whose every access goes to the monitor. */
function addBar(record: u32, bar: u32): void {
  const start = pageDown(barAddress(record, bar));
  const end = pageUp(barAddress(record, bar) + barSize(record, bar));
  const entries = <u64>function32(record, PlanFunction.MsixEntries);
  const table = holeStart(record, bar, PlanFunction.MsixTable, end);
  const tableEnd = holeEnd(record, bar, PlanFunction.MsixTable, entries * MSIX_ENTRY_SIZE, end);
  const pending = holeStart(record, bar, PlanFunction.MsixPending, end);
  const pendingEnd = holeEnd(record, bar, PlanFunction.MsixPending, ((entries + 63) >> 6) << 3, end);
  const toGuest = pageDown(barGuestAddress(record, bar)) - start;
  addPiece(start, min(table, pending), toGuest);
  addPiece(min(tableEnd, pendingEnd), max(table, pending), toGuest);
  addPiece(max(tableEnd, pendingEnd), end, toGuest);
}

/** Registers are uncached. */
function addPiece(start: u64, end: u64, toGuest: u64): void {
  if (start < end) addGrant(start + toGuest, start, end - start, READ | WRITE);
}

/** Whether the MSI-X table or the pending bits lie in this BAR, as the capability says (PCI 3.0 6.8.2.4). */
function hasHole(record: u32, bar: u32, field: PlanFunction): bool {
  return function32(record, PlanFunction.HasMsix) != 0 && (function32(record, field) & 7) == bar;
}

function holeAddress(record: u32, bar: u32, field: PlanFunction): u64 { return barAddress(record, bar) + (function32(record, field) & ~7); }

/** First page that is left out, `end` if there is none. */
function holeStart(record: u32, bar: u32, field: PlanFunction, end: u64): u64 {
  return hasHole(record, bar, field) ? min(pageDown(holeAddress(record, bar, field)), end) : end;
}

/** End of the pages that are left out for `length` bytes. */
function holeEnd(record: u32, bar: u32, field: PlanFunction, length: u64, end: u64): u64 {
  return hasHole(record, bar, field) ? min(pageUp(holeAddress(record, bar, field) + length), end) : end;
}

function pageDown(address: u64): u64 { return address & ~(PAGE_SIZE - 1); }
function pageUp(address: u64): u64 { return pageDown(address + PAGE_SIZE - 1); }
