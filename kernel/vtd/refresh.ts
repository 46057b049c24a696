// What a unit must forget after a change, in the right order, VT-d 4.1 6.5.3: the context cache first, then the PASID cache,
// then the IOTLB, so that no stale context fills the IOTLB again.

import {
  InvalidationStatus, invalidateContext, invalidateContexts, invalidateDeviceTlb, invalidatePasidCache, invalidateTlb, invalidateTlbDomain,
} from "./invalidate";
import { CAP_CM } from "./register";
import { NO_SOURCE, findSource, sourceAt } from "./sources";
import { Unit } from "./unit";

/** All caches of a unit; after its root table changed. */
export function forgetAll(unit: Unit): bool {
  if (invalidateContexts(unit) != InvalidationStatus.Done) return false;
  if (unit.isScalable != 0 && invalidatePasidCache(unit, 0) != InvalidationStatus.Done) return false;
  return invalidateTlb(unit) == InvalidationStatus.Done;
}

/** A source id has an entry that it did not have: only a unit in caching mode remembers that there was none (CAP.CM). */
export function contextAdded(unit: Unit, domainId: u32): bool {
  if ((unit.capability & CAP_CM) != 0 && invalidateContexts(unit) != InvalidationStatus.Done) return false;
  return forgetDomain(unit, domainId);
}

/** The entry of a source id is not what it was. */
export function contextChanged(unit: Unit, sourceId: u32, domainId: u32): bool {
  if (invalidateContext(unit, domainId, sourceId) != InvalidationStatus.Done) return false;
  if (!forgetDomain(unit, domainId)) return false;
  const index = findSource(unit.segment, sourceId);
  if (index == NO_SOURCE || sourceAt(index).deviceTlb == 0) return true;
  return invalidateDeviceTlb(unit, sourceId) == InvalidationStatus.Done;
}

function forgetDomain(unit: Unit, domainId: u32): bool {
  if (unit.isScalable != 0 && invalidatePasidCache(unit, domainId) != InvalidationStatus.Done) return false;
  return invalidateTlbDomain(unit, domainId) == InvalidationStatus.Done;
}
