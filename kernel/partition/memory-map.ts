// What a partition's EPT maps, as the policy gives it: its memory, its ROM, and the memory of the PCI functions that it owns. The
// builder maps this list, and the seal compares the finished tables with it.

import { MSIX_ENTRY_SIZE } from "../../drivers/pci/msix";
import { HIGH_MEMORY_BASE, LOCAL_APIC_BASE, ROM_END } from "../../monitor/interface";
import { EptMemoryType, EptRight } from "../memory/ept";
import { PAGE_SIZE } from "../memory/layout";
import { Grant, GRANT_SIZE } from "../memory/seal";
import { PlanPartition, field64 } from "./plan";
import { BARS, PlanFunction, barAddress, barGuestAddress, barIsIo, barSize, function32, functionCount } from "./plan-functions";

/** Read, write, execute, write-back (SDM 3C table 29-6). */
const RAM_ATTRIBUTES: u64 = <u64>EptRight.All | (<u64>EptMemoryType.WriteBack << 3);
/** What hardware answers writes to a ROM with: nothing changes. */
const ROM_ATTRIBUTES: u64 = <u64>EptRight.Read | EptRight.Execute | (<u64>EptMemoryType.WriteBack << 3);
/** Registers: read, write, uncacheable. */
const DEVICE_ATTRIBUTES: u64 = <u64>EptRight.Read | EptRight.Write | (<u64>EptMemoryType.Uncacheable << 3);

/** An empty frame, of which the processor uses the address only (SDM 3C 30.4). */
const APIC_PAGE_ATTRIBUTES: u64 = <u64>EptRight.Read | EptRight.Write | (<u64>EptMemoryType.WriteBack << 3);

/** Two for memory, one for a ROM, one for the APIC-access page; each function has at most six BARs, of which the MSI-X table and its pending bits cut out two holes. */
const MAXIMUM_GRANTS: u32 = 68;
const grants: usize = memory.data(2176, 8); // MAXIMUM_GRANTS * GRANT_SIZE
let count: u32 = 0;

export function grantList(): usize { return grants; }

export function grantAt(index: u32): Grant { return changetype<Grant>(grants + <usize>index * GRANT_SIZE); }

/** Fills the list for a partition, with the APIC-access page or without; returns the number of records, which do not overlap. */
export function describeMemory(partition: u32, withApicPage: bool = false): u32 {
  count = 0;
  const base = field64(partition, PlanPartition.MemoryBase);
  const low = field64(partition, PlanPartition.LowMemory);
  const high = field64(partition, PlanPartition.HighMemory);
  addGrant(0, base, low, RAM_ATTRIBUTES);
  if (high != 0) addGrant(HIGH_MEMORY_BASE, base + low, high, RAM_ATTRIBUTES);
  const rom = field64(partition, PlanPartition.RomSize);
  if (rom != 0) addGrant(ROM_END - rom, field64(partition, PlanPartition.RomBase), rom, ROM_ATTRIBUTES);
  if (withApicPage) addGrant(LOCAL_APIC_BASE, field64(partition, PlanPartition.ApicAccessPage), PAGE_SIZE, APIC_PAGE_ATTRIBUTES);
  for (let record: u32 = 0; record < functionCount(); record++) {
    if (function32(record, PlanFunction.Partition) != partition) continue;
    for (let bar: u32 = 0; bar < BARS; bar++) {
      if (barSize(record, bar) != 0 && !barIsIo(record, bar)) addBar(record, bar);
    }
  }
  return count;
}

/** All pages of a BAR but those of the MSI-X table and its pending bits, whose every access goes to the monitor. */
function addBar(record: u32, bar: u32): void {
  const start = barAddress(record, bar) & ~(PAGE_SIZE - 1);
  const end = pageUp(barAddress(record, bar) + barSize(record, bar));
  const toGuest = (barGuestAddress(record, bar) & ~(PAGE_SIZE - 1)) - start;
  let from = start;
  while (from < end) {
    const hole = firstHole(record, bar, from, end);
    if (hole > from) addGrant(from + toGuest, from, hole - from, DEVICE_ATTRIBUTES);
    from = hole;
    while (from < end && isHole(record, bar, from)) from += PAGE_SIZE;
  }
}

/** First page from `from` on that is not mapped, `end` if there is none. */
function firstHole(record: u32, bar: u32, from: u64, end: u64): u64 {
  const table = holeStart(record, bar, PlanFunction.MsixTable);
  const pending = holeStart(record, bar, PlanFunction.MsixPending);
  let first = end;
  if (table >= from) first = min(first, table);
  if (pending >= from) first = min(first, pending);
  return first;
}

function isHole(record: u32, bar: u32, page: u64): bool {
  const entries = <u64>function32(record, PlanFunction.MsixEntries);
  return isWithin(page, holeStart(record, bar, PlanFunction.MsixTable), barPlace(record, PlanFunction.MsixTable), entries * MSIX_ENTRY_SIZE)
    || isWithin(page, holeStart(record, bar, PlanFunction.MsixPending), barPlace(record, PlanFunction.MsixPending), ((entries + 63) >> 6) << 3);
}

/** Whether a page from `start` on holds one of `length` bytes, which begin at `place` in the BAR. */
function isWithin(page: u64, start: u64, place: u64, length: u64): bool {
  return start != u64.MAX_VALUE && page >= start && page < start + pageUp((place & (PAGE_SIZE - 1)) + length);
}

/** Offset in the BAR, as the MSI-X capability says. */
function barPlace(record: u32, field: PlanFunction): u64 { return function32(record, field) & ~7; }

/** First page of the MSI-X table or of the pending bits if they lie in this BAR, else the largest address. */
function holeStart(record: u32, bar: u32, field: PlanFunction): u64 {
  if (function32(record, PlanFunction.HasMsix) == 0 || (function32(record, field) & 7) != bar) return u64.MAX_VALUE;
  return (barAddress(record, bar) + barPlace(record, field)) & ~(PAGE_SIZE - 1);
}

function pageUp(address: u64): u64 { return (address + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1); }

function addGrant(gpa: u64, hpa: u64, length: u64, attributes: u64): void {
  // More than the records hold cannot be: six BARs in eight functions, cut in at most eight pieces each.
  if (count == MAXIMUM_GRANTS) return;
  const grant = grantAt(count);
  grant.gpa = gpa;
  grant.hpa = hpa;
  grant.length = length;
  grant.attributes = attributes;
  count++;
}
