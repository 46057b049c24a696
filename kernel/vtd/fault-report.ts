// Lines about faults. A source that repeats itself, or goes on and on, must not flood the console: what is the same as the
// line before is only counted, and so is what comes after LINES lines in a second.

import { print, printDecimal, printHex, printLine } from "../console/print";
import { rdtsc } from "../cpu/processor";
import { printPartitionName } from "../partition/current";
import { Fault, RequestType } from "./fault-record";
import { faultReasonText, isInterruptReason } from "./fault-reason";
import { printSource } from "./source-name";
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
  print(" blocked: reason ");
  printHex(fault.reason, 2);
  print(", ");
  print(faultReasonText(fault.reason));
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
    beginUnit(unit);
    print("sources of no partition: ");
  }
  printDecimal(record.hidden);
  print(" more faults before the next");
  printLine();
  record.hidden = 0;
}

function printRequest(fault: Fault): void {
  if (isInterruptReason(fault.reason)) {
    print("interrupt");
    // In compatibility format it names no entry.
    if (fault.reason == COMPATIBILITY_BLOCKED) return;
    print(" of entry ");
    printDecimal(fault.index);
    return;
  }
  print(typeText(fault.type));
  print(" at ");
  printHex(fault.address, 16);
  if (fault.hasPasid == 0) return;
  print(" with PASID ");
  printHex(fault.pasid, 5);
}

function typeText(type: u32): string {
  switch (type) {
    case RequestType.Write: return "write";
    case RequestType.PageRequest: return "page request";
    case RequestType.Read: return "read";
    default: return "atomic operation";
  }
}

function beginUnit(unit: Unit): void {
  print("vtd unit ");
  printDecimal(unit.index);
  print(": ");
}

function begin(unit: Unit, sourceId: u32, source: u32): void {
  beginUnit(unit);
  printSource(unit.segment, sourceId);
  print(" of ");
  if (source != NO_SOURCE) printPartitionName(sourceAt(source).partition);
  else print("no partition");
  print(": ");
}

/** The unit met faults when all its records were taken. */
export function reportOverflow(unit: Unit): void {
  beginUnit(unit);
  print("more faults than it can record, some are lost");
  printLine();
}

export function reportSwitchedOff(unit: Unit, sourceId: u32, source: u32, faults: u32): void {
  begin(unit, sourceId, source);
  print("switched off after ");
  printDecimal(faults);
  print(" faults in a second");
  printLine();
}

export function reportMasked(unit: Unit): void {
  beginUnit(unit);
  print("too many faults, its fault interrupts are masked");
  printLine();
}

/** What was recorded before the kernel had the unit. */
export function reportDiscarded(unit: Unit, faults: u32): void {
  beginUnit(unit);
  printDecimal(faults);
  print(" faults from before the start discarded");
  printLine();
}
