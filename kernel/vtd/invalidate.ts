// What a unit is told to forget, VT-d 4.1 6.5: by its queue, or by registers where it has none. The order after a change
// lies with the caller (refresh.ts): context cache, PASID cache, IOTLB, device TLBs.

import { flushWriteBuffer } from "./command";
import {
  allContexts, allInterruptEntries, deviceTlbOf, oneContext, pasidCacheOfDomain, tlbOfDomain, wholeDeviceTlb, wholeTlb,
} from "./descriptor";
import { InvalidationStatus } from "./invalidation-status";
import { request, startQueue, stopForeignQueue } from "./queue";
import { invalidateByRegister } from "./register-invalidation";
import { CAP_RWBF } from "./register";
import { Unit } from "./unit";

export { InvalidationStatus } from "./invalidation-status";

/** Makes invalidations possible: by the unit's queue, or in legacy mode by registers if it has none that works. */
export function startInvalidation(unit: Unit): InvalidationStatus {
  if (!stopForeignQueue(unit)) return InvalidationStatus.TimedOut;
  if (startQueue(unit)) return InvalidationStatus.Done;
  return unit.isScalable == 0 ? InvalidationStatus.Done : InvalidationStatus.Unsupported;
}

/** Asks the queue, once the unit sees what was written before; in legacy mode the registers if there is no queue, or none any more. */
export function ask(unit: Unit, low: u64, high: u64): InvalidationStatus {
  if ((unit.capability & CAP_RWBF) != 0 && !flushWriteBuffer(unit)) return InvalidationStatus.WriteBuffer;
  const status = unit.queue != 0 ? request(unit, low, high) : InvalidationStatus.Unsupported;
  return unit.queue != 0 || unit.isScalable != 0 ? status : invalidateByRegister(unit, low, high, status);
}

export function invalidateContexts(unit: Unit): InvalidationStatus {
  return ask(unit, allContexts(), 0);
}

/** `domainId`: under which the unit remembers the entry, 0 if it remembers that there was none (CAP.CM). */
export function invalidateContext(unit: Unit, domainId: u32, sourceId: u32): InvalidationStatus {
  return ask(unit, oneContext(domainId, sourceId), 0);
}

/** Scalable mode only. */
export function invalidatePasidCache(unit: Unit, domainId: u32): InvalidationStatus {
  return unit.isScalable != 0 ? ask(unit, pasidCacheOfDomain(domainId), 0) : InvalidationStatus.Unsupported;
}

export function invalidateTlb(unit: Unit): InvalidationStatus {
  return ask(unit, wholeTlb(unit), 0);
}

export function invalidateTlbDomain(unit: Unit, domainId: u32): InvalidationStatus {
  return ask(unit, tlbOfDomain(unit, domainId), 0);
}

/**
 * Everything that a device holds of its translations; after the IOTLB, from which the device would fetch them again. By the
 * queue only.
 */
export function invalidateDeviceTlb(unit: Unit, sourceId: u32): InvalidationStatus {
  return ask(unit, deviceTlbOf(unit, sourceId), wholeDeviceTlb());
}

/** The interrupt entry cache; by the queue only. */
export function invalidateInterrupts(unit: Unit): InvalidationStatus {
  return ask(unit, allInterruptEntries(), 0);
}
