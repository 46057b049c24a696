// Faults of the remapping units, VT-d 4.1 7.2: every blocked request is read from the unit's records, told, counted for its
// owner, and freed.

import { MAXIMUM_PARTITIONS } from "../policy/layout";
import { takeRecord, takenFault } from "./fault-record";
import { reportDiscarded, reportFault, reportOverflow } from "./fault-report";
import { EVENT_MASKED, FaultStatus, Register, faultRecords } from "./register";
import { NO_SOURCE, findSource, sourceAt } from "./sources";
import { isMasked, throttle, unmaskAfterSecond } from "./throttle";
import { Unit, read32, unitAt, unitCount, write32 } from "./unit";

/** FRI, bits 15:8 of FSTS: the record that was taken first. */
const FIRST_RECORD_SHIFT: u32 = 8;
const FIRST_RECORD: u32 = 0xff;
/** Looks at all records in one drain: under a storm they fill as fast as they are read. */
const PASSES: u32 = 4;
/** Records that one drain frees before it lets other work go on. */
const DRAIN_LIMIT: u32 = 256;
/** What stays in FSTS until it is cleared. A device can answer the queue wrongly or late when nobody waits for it any more. */
const CLEARED: u32 = <u32>FaultStatus.PFO | FaultStatus.ICE | FaultStatus.ITE;

/** FEADDR, 11.4.7.4: an interrupt message to one core; the upper bits of an x2APIC identifier go to FEUADDR. */
const MESSAGE_ADDRESS: u32 = 0xfee00000;
const APIC_ID_SHIFT: u32 = 12;
const APIC_ID_LOW: u32 = 0xff;

const violations: usize = memory.data(64, 4); // MAXIMUM_PARTITIONS u32
/** Overflows since boot, on all units. */
let overflows: u32 = 0;

/** Lets the unit interrupt the core `apicId` with `vector` when it has recorded a fault; what it recorded before is discarded. */
export function startFaultEvents(unit: Unit, apicId: u32, vector: u32): void {
  discardFaults(unit);
  write32(unit, Register.FEDATA, vector);
  write32(unit, Register.FEADDR, MESSAGE_ADDRESS | ((apicId & APIC_ID_LOW) << APIC_ID_SHIFT));
  write32(unit, Register.FEUADDR, apicId & ~APIC_ID_LOW);
  write32(unit, Register.FECTL, read32(unit, Register.FECTL) & ~EVENT_MASKED);
}

/** Firmware's faults must not count against the partition that has the device now. */
function discardFaults(unit: Unit): void {
  const records = faultRecords(unit.capability);
  let discarded: u32 = 0;
  for (let i: u32 = 0; i < records; i++) {
    if (takeRecord(unit, i)) discarded++;
  }
  write32(unit, Register.FSTS, CLEARED);
  if (discarded != 0) reportDiscarded(unit, discarded);
}

/** Takes the faults that the unit recorded; returns how many. Under a storm it stops after DRAIN_LIMIT, and the next drain goes on. */
export function drainFaults(unit: Unit): u32 {
  let drained: u32 = 0;
  for (let pass: u32 = 0; pass < PASSES && drained < DRAIN_LIMIT; pass++) {
    const status = read32(unit, Register.FSTS);
    if ((status & (<u32>FaultStatus.PPF | CLEARED)) == 0) break;
    drained += drainRecords(unit, (status >> FIRST_RECORD_SHIFT) & FIRST_RECORD);
    if ((status & <u32>FaultStatus.PFO) != 0) countOverflow(unit);
    // With a bit left set here the unit raises no further interrupt (11.4.7.1).
    if ((status & CLEARED) != 0) write32(unit, Register.FSTS, status & CLEARED);
  }
  return drained;
}

/** All records once around, in the order of the faults: the first one may be anywhere. */
function drainRecords(unit: Unit, first: u32): u32 {
  const records = faultRecords(unit.capability);
  let drained: u32 = 0;
  for (let i: u32 = 0; i < records; i++) {
    if (!takeRecord(unit, (first + i) % records)) continue;
    drained++;
    handleFault(unit);
  }
  return drained;
}

function handleFault(unit: Unit): void {
  const fault = takenFault();
  const source = findSource(unit.segment, fault.sourceId);
  unit.faults++;
  if (source != NO_SOURCE) {
    sourceAt(source).faults++;
    countViolation(sourceAt(source).partition);
  }
  reportFault(unit, fault, source);
  throttle(unit, fault.sourceId, source);
}

/** Lines get rarer: the 1st, 2nd, 4th, 8th overflow. */
function countOverflow(unit: Unit): void {
  overflows++;
  if ((overflows & (overflows - 1)) == 0) reportOverflow(unit);
}

function countViolation(partition: u32): void {
  if (partition >= MAXIMUM_PARTITIONS) return;
  const slot = violations + (<usize>partition << 2);
  store<u32>(slot, load<u32>(slot) + 1);
}

/** Faults of a partition's devices since boot. */
export function violationsOf(partition: u32): u32 {
  return partition < MAXIMUM_PARTITIONS ? load<u32>(violations + (<usize>partition << 2)) : 0;
}

/** For the housekeeping: reads the records of units whose interrupts are masked, and lets them interrupt again after a second. */
export function unmaskFaultEvents(): u32 {
  let drained: u32 = 0;
  for (let i: u32 = 0; i < unitCount(); i++) {
    const unit = unitAt(i);
    if (!isMasked(unit)) continue;
    drained += drainFaults(unit);
    unmaskAfterSecond(unit);
  }
  return drained;
}
