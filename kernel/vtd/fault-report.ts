// Lines about faults. A source that repeats itself, or goes on and on, must not flood the console: what is the same as the
// line before is only counted, and so is what comes after LINES lines in a second.

import { Text, hasText, printText } from "../boot/symbols";
import { print, printLine, sourceName } from "../console/print";
import { rdtsc } from "../cpu/processor";
import { partitionName } from "../policy/reader";
import { Fault, isInterruptReason } from "./fault-record";
import { MAXIMUM_SOURCES, NO_SOURCE, sourceAt } from "./sources";
import { MAXIMUM_UNITS, Unit } from "./unit";
import { oneSecond } from "./wait";

/** Lines in a second for one source, and for all sources of a unit that have no owner. */
const LINES: u32 = 8;
const COMPATIBILITY_BLOCKED: u32 = 0x25;

/** What was told of a source, or of the sources of a unit that have no owner. */
@unmanaged
class Told {
  windowStart: u64;
  /** The fault of the last line. */
  address: u64;
  sourceId: u32;
  /** Reason and type. */
  what: u32;
  /** Lines in the window. */
  lines: u32;
  /** Faults that got no line since the last one that did. */
  hidden: u32;
}
const TOLD_SIZE: usize = 32;

const told: usize = memory.data(6144, 8); // (MAXIMUM_SOURCES + MAXIMUM_UNITS) * TOLD_SIZE

function toldOf(unit: Unit, source: u32): Told {
  const index = source != NO_SOURCE ? source : MAXIMUM_SOURCES + min(unit.index, MAXIMUM_UNITS - 1);
  return changetype<Told>(told + <usize>index * TOLD_SIZE);
}

/** One line for a fault of the source with the index `source`, which is NO_SOURCE if nobody owns it; or none, see above. */
export function reportFault(unit: Unit, fault: Fault, source: u32): void {
  const record = toldOf(unit, source);
  if (!mayTell(record, fault)) {
    record.hidden++;
    return;
  }
  if (record.hidden != 0) reportHidden(unit, record, source);
  begin(unit, fault.sourceId, source);
  printRequest(fault);
  print(" blocked: reason %2x, ", fault.reason);
  if (hasText(Text.FaultReason, fault.reason)) printText(Text.FaultReason, fault.reason);
  else print("reserved reason");
  printLine();
}

/** Takes the line into account if it may be printed. */
function mayTell(record: Told, fault: Fault): bool {
  const what = fault.reason | (fault.type << 8) | (fault.index << 16);
  const isNewWindow = rdtsc() - record.windowStart > oneSecond() || record.windowStart == 0;
  if (isNewWindow) {
    record.windowStart = rdtsc();
    record.lines = 0;
  }
  const isSame = record.lines != 0 && record.what == what && record.address == fault.address && record.sourceId == fault.sourceId;
  if (isSame || record.lines == LINES) return false;
  record.what = what;
  record.address = fault.address;
  record.sourceId = fault.sourceId;
  record.lines++;
  return true;
}

function reportHidden(unit: Unit, record: Told, source: u32): void {
  if (source != NO_SOURCE) {
    begin(unit, record.sourceId, source);
  } else {
    print("vtd unit %d: sources of no partition: ", unit.index);
  }
  print("%d more faults before the next\n", record.hidden);
  record.hidden = 0;
}

function printRequest(fault: Fault): void {
  // In compatibility format it names no entry.
  if (fault.reason == COMPATIBILITY_BLOCKED) return print("interrupt");
  if (isInterruptReason(fault.reason)) return print("interrupt of entry %d", fault.index);
  printText(Text.RequestType, fault.type);
  print(" at %16x", fault.address);
  if (fault.hasPasid != 0) print(" with PASID %5x", fault.pasid);
}

function begin(unit: Unit, sourceId: u32, source: u32): void {
  print("vtd unit %d: %s of ", unit.index, sourceName(unit.segment, sourceId));
  if (source != NO_SOURCE) print("%n: ", partitionName(sourceAt(source).partition));
  else print("no partition: ");
}

/** The unit met faults when all its records were taken. */
export function reportOverflow(unit: Unit): void {
  print("vtd unit %d: more faults than it can record, some are lost\n", unit.index);
}

export function reportSwitchedOff(unit: Unit, sourceId: u32, source: u32, faults: u32): void {
  begin(unit, sourceId, source);
  print("switched off after %d faults in a second\n", faults);
}

export function reportMasked(unit: Unit): void {
  print("vtd unit %d: too many faults, its fault interrupts are masked\n", unit.index);
}

/** What was recorded before the kernel had the unit. */
export function reportDiscarded(unit: Unit, faults: u32): void {
  print("vtd unit %d: %d faults from before the start discarded\n", unit.index, faults);
}
