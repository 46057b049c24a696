// PCI Express memory mapped configuration table, PCI Firmware 3.3 section 4.1.2: where each bus's configuration space lies.
//
// The table is refused as a whole if one entry is wrong; configuration space is then reached through ports (mechanism 1).

import { load8, load16, load64 } from "../../../kernel/memory/physical";
import { AcpiStatus, findTable, tableLength, tableStatus } from "./tables";

export const MCFG: u32 = 0x4746434d; // "MCFG"

/** Configuration space base address allocation structure. */
const enum Entry {
  Address = 0, // u64, of bus 0 even if that is not decoded
  Segment = 8, // u16
  FirstBus = 10, // u8
  LastBus = 11, // u8
  Size = 16,
}

/** Offset of the first entry. */
const ENTRIES: u32 = 44;
const MAXIMUM_ENTRIES: u32 = 64;
/** Configuration space of a bus takes 1 MiB. */
const BUS_SHIFT: u64 = 20;
const BUS_SIZE: u64 = 1 << BUS_SHIFT;
const ADDRESS_END: u64 = 1 << 52;

@unmanaged
class BusRange {
  /** Of bus 0. */
  address: u64;
  segment: u32;
  firstBus: u16;
  lastBus: u16;
}

const ranges: usize = memory.data(1024, 8); // 64 of 16
let count: u32 = 0;

function rangeAt(index: u32): BusRange {
  return changetype<BusRange>(ranges + (<usize>index << 4));
}

function start(range: BusRange): u64 { return range.address + (<u64>range.firstBus << BUS_SHIFT); }
function end(range: BusRange): u64 { return range.address + ((<u64>range.lastBus + 1) << BUS_SHIFT); }

/** Reads the MCFG; why it is not used, empty if it is or there is none. ecamAddress() knows no bus of a table that is not used. */
export function parseMcfg(): string {
  count = 0;
  if (tableStatus(MCFG) == AcpiStatus.TableMissing) return "";
  const table = findTable(MCFG);
  if (table == 0) return "wrong length or checksum of the MCFG table";
  const failure = parseEntries(table, tableLength(table));
  if (failure.length != 0) count = 0;
  return failure;
}

function parseEntries(table: u64, length: u32): string {
  let offset = ENTRIES;
  for (; offset + Entry.Size <= length; offset += Entry.Size) {
    const failure = parseEntry(table + offset);
    if (failure.length != 0) return failure;
  }
  return offset == length ? "" : "the MCFG table ends within an entry";
}

function parseEntry(entry: u64): string {
  if (count == MAXIMUM_ENTRIES) return "more than 64 MCFG entries";
  const range = rangeAt(count);
  range.address = load64(entry + Entry.Address);
  range.segment = load16(entry + Entry.Segment);
  range.firstBus = load8(entry + Entry.FirstBus);
  range.lastBus = load8(entry + Entry.LastBus);
  if (range.lastBus < range.firstBus) return "an MCFG entry ends before its first bus";
  const isAddress = range.address != 0 && range.address % BUS_SIZE == 0 && range.address < ADDRESS_END && end(range) <= ADDRESS_END;
  if (!isAddress) return "an MCFG address is 0, not on a MiB or above 52 bits";
  for (let i: u32 = 0; i < count; i++) {
    if (overlaps(range, rangeAt(i))) return "two MCFG entries overlap";
  }
  count++;
  return "";
}

function overlaps(one: BusRange, other: BusRange): bool {
  if (start(one) < end(other) && start(other) < end(one)) return true;
  return one.segment == other.segment && one.firstBus <= other.lastBus && other.firstBus <= one.lastBus;
}

/** Ranges of buses, one for each entry. A segment may have several, with different buses. */
export function segmentCount(): u32 { return count; }
/** PCI segment of range `index`. */
export function segmentNumber(index: u32): u32 { return rangeAt(index).segment; }
export function segmentFirstBus(index: u32): u32 { return rangeAt(index).firstBus; }
/** Last bus of range `index`; it belongs to the range. */
export function segmentLastBus(index: u32): u32 { return rangeAt(index).lastBus; }

/** Physical address of the 1 MiB of configuration space of a bus, 4 KiB for each function; 0 if the table does not have it. */
export function ecamAddress(segment: u32, bus: u32): u64 {
  for (let i: u32 = 0; i < count; i++) {
    const range = rangeAt(i);
    if (range.segment == segment && bus >= range.firstBus && bus <= range.lastBus) return range.address + (<u64>bus << BUS_SHIFT);
  }
  return 0;
}
