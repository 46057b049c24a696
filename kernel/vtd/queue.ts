// The invalidation queue of a unit, VT-d 4.1 6.5.2. Each request is one descriptor and a wait descriptor behind it, and ends
// when the unit has written the wait's status, so that the queue is empty between requests.

import { PAGE_SIZE } from "../memory/layout";
import { load32, load64, store64 } from "../memory/physical";
import { setGlobal } from "./command";
import { DESCRIPTOR_TYPE, DescriptorType, waitFor } from "./descriptor";
import { InvalidationStatus } from "./invalidation-status";
import {
  errorInformation, reportCompletionError, reportDeviceTimeOut, reportQueueError, reportStandstill,
} from "./queue-report";
import { FaultStatus, Global, Register } from "./register";
import { NO_SOURCE } from "./sources";
import { Unit, read32, read64, write32, write64 } from "./unit";
import { mayWait, startWait } from "./wait";

/** Invalidation Queue Address, 11.4.9.3: DW, descriptors of 256 bits; QS 0, a queue of one frame. */
const IQA_DW_256: u64 = 1 << 11;
/** Head of the queue, IQH bits 18:4. */
const HEAD: u64 = 0x7fff0;
const QUEUE_ERRORS: u32 = <u32>FaultStatus.IQE | FaultStatus.ICE | FaultStatus.ITE;
/** What a request is given up after. */
const ATTEMPTS: u32 = 2;
/** SID of a device TLB descriptor, bits 47:32. */
const SOURCE_SHIFT: u64 = 32;

/** Switches the queue on, if it has frames; false if it has none or the unit does not follow. */
export function startQueue(unit: Unit): bool {
  if (unit.queue == 0) return false;
  unit.queueTail = 0;
  write64(unit, Register.IQT, 0);
  write64(unit, Register.IQA, unit.queue | (unit.isScalable != 0 ? IQA_DW_256 : 0));
  if (setGlobal(unit, Global.QIE, true)) return true;
  giveUp(unit);
  return false;
}

/** Empties a queue that firmware left on and switches it off; false if it stays on. */
export function stopForeignQueue(unit: Unit): bool {
  if ((read32(unit, Register.GSTS) & <u32>Global.QIE) == 0) return true;
  startWait();
  while ((read64(unit, Register.IQH) & HEAD) != (read64(unit, Register.IQT) & HEAD) && mayWait()) {
    // A queue that stands at an error never gets empty.
    if ((read32(unit, Register.FSTS) & <u32>FaultStatus.IQE) != 0) break;
    write32(unit, Register.FSTS, <u32>FaultStatus.ICE | FaultStatus.ITE);
  }
  const stopped = setGlobal(unit, Global.QIE, false);
  write32(unit, Register.FSTS, QUEUE_ERRORS);
  return stopped;
}

/** Without the queue the registers are used. */
function giveUp(unit: Unit): void {
  setGlobal(unit, Global.QIE, false);
  unit.queue = 0;
}

/** Has the unit carry out one descriptor. A queue that stands still for good is switched off, and unit.queue is 0 then. */
export function request(unit: Unit, low: u64, high: u64): InvalidationStatus {
  let status = InvalidationStatus.Done;
  for (let attempt: u32 = 1; attempt <= ATTEMPTS; attempt++) {
    status = tryOnce(unit, low, high, attempt < ATTEMPTS);
    if (status == InvalidationStatus.Done) return status;
    unit.queueErrors++;
    if (status != InvalidationStatus.TimedOut) continue;
    // A device that does not answer must not cost the unit its queue, nor another second.
    const isDevice = isDeviceTlb(low);
    if (!restart(unit, attempt < ATTEMPTS || isDevice)) return InvalidationStatus.TimedOut;
    if (!isDevice) continue;
    reportDeviceTimeOut(unit, deviceOf(low), false);
    return InvalidationStatus.DeviceTlbTimeOut;
  }
  return status;
}

/** Off, which empties the queue, and on again if `again`; false if it is off now. */
function restart(unit: Unit, again: bool): bool {
  const isOff = setGlobal(unit, Global.QIE, false);
  write32(unit, Register.FSTS, QUEUE_ERRORS);
  const restarted = again && isOff && startQueue(unit);
  if (!restarted) giveUp(unit);
  reportStandstill(unit, restarted);
  return restarted;
}

function tryOnce(unit: Unit, low: u64, high: u64, willRetry: bool): InvalidationStatus {
  const completionErrors = completionErrorsMet;
  unit.waitValue++;
  put(unit, low, high);
  put(unit, waitFor(unit.waitValue), statusAddress(unit));
  write64(unit, Register.IQT, <u64>unit.queueTail);
  const errors = awaitStatus(unit);
  if ((errors & <u32>FaultStatus.IQE) != 0) return replaceDescriptor(unit);
  if ((errors & <u32>FaultStatus.ITE) != 0) return clearDeviceTimeOut(unit, low, willRetry);
  if (errors != 0) return InvalidationStatus.TimedOut;
  if (!isDeviceTlb(low)) return InvalidationStatus.Done;
  if ((read32(unit, Register.FSTS) & <u32>FaultStatus.ICE) != 0) clearCompletionError(unit);
  return completionErrorsMet == completionErrors ? InvalidationStatus.Done : InvalidationStatus.CompletionError;
}

function isDeviceTlb(low: u64): bool { return (low & DESCRIPTOR_TYPE) == DescriptorType.DeviceTlb; }

/** Source id that a device TLB descriptor names, else NO_SOURCE: the answer that is missing was asked for earlier. */
function deviceOf(low: u64): u32 { return isDeviceTlb(low) ? <u32>(low >> SOURCE_SHIFT) & 0xffff : NO_SOURCE; }

function statusAddress(unit: Unit): u64 { return unit.queue + PAGE_SIZE; }

function put(unit: Unit, low: u64, high: u64): void {
  const size: u32 = unit.isScalable != 0 ? 32 : 16;
  store(unit.queue + unit.queueTail, low, high, size);
  unit.queueTail = (unit.queueTail + size) & (<u32>PAGE_SIZE - 1);
}

function store(descriptor: u64, low: u64, high: u64, size: u32): void {
  store64(descriptor, low);
  store64(descriptor + 8, high);
  if (size == 16) return;
  store64(descriptor + 16, 0);
  store64(descriptor + 24, 0);
}

const NOTHING_HAPPENED: u32 = <u32>1 << 31;
/** Completion errors since boot, on all units. */
let completionErrorsMet: u32 = 0;

/** 0 when the unit has written the status, else IQE or ITE as they stand in FSTS, or NOTHING_HAPPENED. */
function awaitStatus(unit: Unit): u32 {
  startWait();
  while (load32(statusAddress(unit)) != unit.waitValue) {
    const errors = read32(unit, Register.FSTS) & QUEUE_ERRORS;
    if ((errors & <u32>FaultStatus.ICE) != 0) clearCompletionError(unit);
    if ((errors & (<u32>FaultStatus.IQE | FaultStatus.ITE)) != 0) return errors;
    if (!mayWait()) return NOTHING_HAPPENED;
  }
  return 0;
}

/** The queue goes on by itself (6.5.2.10). A device may send such answers for ever, so that lines get rarer: 1st, 2nd, 4th, 8th. */
function clearCompletionError(unit: Unit): void {
  write32(unit, Register.FSTS, FaultStatus.ICE);
  unit.queueErrors++;
  completionErrorsMet++;
  if ((completionErrorsMet & (completionErrorsMet - 1)) == 0) reportCompletionError(unit);
}

/** The queue stands at a descriptor that the unit does not take: the wait takes its place, so that the queue goes on. */
function replaceDescriptor(unit: Unit): InvalidationStatus {
  const information = errorInformation(unit);
  const head = read64(unit, Register.IQH) & HEAD;
  const size: u32 = unit.isScalable != 0 ? 32 : 16;
  if (head <= PAGE_SIZE - size) store(unit.queue + head, waitFor(unit.waitValue), statusAddress(unit), size);
  write32(unit, Register.FSTS, FaultStatus.IQE);
  // QEMU looks at the queue again only when its tail is written.
  write64(unit, Register.IQT, <u64>unit.queueTail);
  const recovered = head <= PAGE_SIZE - size && awaitDrained(unit);
  reportQueueError(unit, unit.queue + head, information, recovered);
  return recovered ? InvalidationStatus.QueueError : InvalidationStatus.TimedOut;
}

/** Waits until the unit has taken all descriptors; false if it does not. */
function awaitDrained(unit: Unit): bool {
  startWait();
  while ((read64(unit, Register.IQH) & HEAD) != <u64>unit.queueTail) {
    if ((read32(unit, Register.FSTS) & <u32>FaultStatus.IQE) != 0 || !mayWait()) return false;
  }
  return true;
}

/** All waits under way were dropped, and the queue goes on when ITE is cleared (6.5.2.10). */
function clearDeviceTimeOut(unit: Unit, low: u64, willRetry: bool): InvalidationStatus {
  reportDeviceTimeOut(unit, deviceOf(low), willRetry);
  write32(unit, Register.FSTS, FaultStatus.ITE);
  return InvalidationStatus.DeviceTlbTimeOut;
}
