// What is done against a storm of faults. A source with too many is switched off: its context entry goes away and its faults
// are not recorded any more. Where that does not help (the bus has no context table, the faults are interrupts) the
// unit's fault interrupts are masked for a second, and its records are read by the housekeeping.

import { rdtsc } from "../cpu/processor";
import { detachSource, switchOff } from "./context-entry";
import { reportMasked, reportSwitchedOff } from "./fault-report";
import { EVENT_MASKED, Register } from "./register";
import { NO_SOURCE, sourceAt } from "./sources";
import { MAXIMUM_UNITS, Unit, read32, unitAt, unitCount, write32 } from "./unit";
import { oneSecond } from "./wait";

/** Faults in a second that one source may have, and all sources of a unit without an owner together. */
const SOURCE_LIMIT: u32 = 32;
/** Faults in a second that a unit may have. */
const UNIT_LIMIT: u32 = 128;
/** Source ids without an owner that are switched off in a second: one device may use many. */
const STRANGER_LIMIT: u32 = 8;
/** Under this domain a unit in caching mode remembers what is not there. */
const NO_DOMAIN: u32 = 0;
/** Seconds after which masking is told again. */
const TOLD_AGAIN: u64 = 60;

@unmanaged
class Load {
  windowStart: u64;
  maskedAt: u64;
  /** When masking was told, 0 never. */
  toldAt: u64;
  /** Faults in the window, and those of sources without an owner. */
  faults: u32;
  strangerFaults: u32;
  /** Source id + 1 of the stranger that was switched off last, 0 none. */
  lastStranger: u32;
  /** Strangers that were switched off in the window. */
  strangersOff: u32;
  isMasked: u32;
}
const LOAD_SIZE: usize = 48;

const loads: usize = memory.data(3072, 8); // MAXIMUM_UNITS * LOAD_SIZE

function loadOf(unit: Unit): Load {
  return changetype<Load>(loads + <usize>min(unit.index, MAXIMUM_UNITS - 1) * LOAD_SIZE);
}

/** Counts a fault; `source` is the index of the source id's record, NO_SOURCE if nobody owns it. */
export function throttle(unit: Unit, sourceId: u32, source: u32): void {
  const load = loadOf(unit);
  if (rdtsc() - load.windowStart > oneSecond()) startWindow(load);
  load.faults++;
  const isHandled = source != NO_SOURCE ? throttleSource(unit, source) : throttleStranger(unit, load, sourceId);
  if (!isHandled || load.faults > UNIT_LIMIT) maskFaultEvents(unit, load);
}

function startWindow(load: Load): void {
  load.windowStart = rdtsc();
  load.faults = 0;
  load.strangerFaults = 0;
  load.strangersOff = 0;
}

/** False if the source should be off but its faults go on. */
function throttleSource(unit: Unit, index: u32): bool {
  const source = sourceAt(index);
  if (rdtsc() - source.windowStart > oneSecond()) {
    source.windowStart = rdtsc();
    source.windowFaults = 0;
  }
  source.windowFaults++;
  if (source.windowFaults <= SOURCE_LIMIT) return true;
  // The rest of the storm was recorded before the source was off: it does not count against it.
  if (source.isOff != 0) return source.windowFaults <= 2 * SOURCE_LIMIT;
  const isDetached = switchOff(unit, source);
  reportSwitchedOff(unit, source.sourceId, index, source.windowFaults);
  return isDetached;
}

/** False if the sources without an owner have too many faults and this one cannot be switched off, or was already. */
function throttleStranger(unit: Unit, load: Load, sourceId: u32): bool {
  load.strangerFaults++;
  if (load.strangerFaults <= SOURCE_LIMIT) return true;
  if (load.lastStranger == sourceId + 1) return load.strangerFaults <= 2 * SOURCE_LIMIT;
  if (load.strangersOff == STRANGER_LIMIT || !detachSource(unit, sourceId, NO_DOMAIN, true)) return false;
  load.strangersOff++;
  load.lastStranger = sourceId + 1;
  reportSwitchedOff(unit, sourceId, NO_SOURCE, load.strangerFaults);
  return true;
}

function maskFaultEvents(unit: Unit, load: Load): void {
  if (load.isMasked != 0) return;
  load.isMasked = 1;
  load.maskedAt = rdtsc();
  write32(unit, Register.FECTL, read32(unit, Register.FECTL) | EVENT_MASKED);
  if (load.toldAt != 0 && rdtsc() - load.toldAt < TOLD_AGAIN * oneSecond()) return;
  load.toldAt = rdtsc();
  reportMasked(unit);
}

export function isMasked(unit: Unit): bool { return loadOf(unit).isMasked != 0; }

export function isAnyUnitMasked(): bool {
  for (let i: u32 = 0; i < unitCount(); i++) {
    if (isMasked(unitAt(i))) return true;
  }
  return false;
}

/** Lets the unit interrupt again if it was masked for a second; its records must be empty, or it interrupts at once. */
export function unmaskAfterSecond(unit: Unit): void {
  const load = loadOf(unit);
  if (load.isMasked == 0 || rdtsc() - load.maskedAt <= oneSecond()) return;
  load.isMasked = 0;
  startWindow(load);
  write32(unit, Register.FECTL, read32(unit, Register.FECTL) & ~EVENT_MASKED);
}
