// A source id's entry in the root and context tables of a unit, VT-d 4.1 9.1 to 9.4, at run time: taken away, and given back as it was sealed.

import { flushCache, load64, store64 } from "../memory/physical";
import { contextAdded, contextChanged } from "./refresh";
import { Source, domainOf } from "./sources";
import { Unit } from "./unit";

const PRESENT: u64 = 1 << 0;
/** FPD: faults of this source id are not recorded. */
const FAULT_PROCESSING_DISABLE: u64 = 1 << 1;
const ADDRESS: u64 = 0x000ffffffffff000;
/** Bytes of a context entry: 256 of them fill a page in legacy form, 128 in scalable form. */
const LEGACY_ENTRY_SIZE: u64 = 16;
const SCALABLE_ENTRY_SIZE: u64 = 32;

/** Where the root table points to the context table of a source id: in scalable form a root entry has two pointers, for functions below and above 128. */
export function contextPointer(unit: Unit, sourceId: u32): u64 {
  const upper: u64 = unit.isScalable != 0 && (sourceId & 0x80) != 0 ? 8 : 0;
  return unit.rootTable + (<u64>(sourceId >> 8) << 4) + upper;
}

/** Physical address of the source id's entry, 0 if its bus has no context table. */
export function contextEntry(unit: Unit, sourceId: u32): u64 {
  const pointer = load64(contextPointer(unit, sourceId));
  if ((pointer & PRESENT) == 0) return 0;
  const offset = unit.isScalable != 0 ? <u64>(sourceId & 0x7f) * SCALABLE_ENTRY_SIZE : <u64>(sourceId & 0xff) * LEGACY_ENTRY_SIZE;
  return (pointer & ADDRESS) + offset;
}

/**
 * Takes the source id's tables away; with `suppressFaults` what it tries from now on is blocked without a record.
 * False if its bus has no context table, or the unit did not carry out the invalidation.
 */
export function detachSource(unit: Unit, sourceId: u32, domainId: u32, suppressFaults: bool): bool {
  const entry = contextEntry(unit, sourceId);
  if (entry == 0) return false;
  store64(entry, suppressFaults ? FAULT_PROCESSING_DISABLE : 0);
  flushCache(entry, 8);
  return unit.isTranslating == 0 || contextChanged(unit, sourceId, domainId);
}

/** Takes the tables of a source id that a partition owns away, until switchOn(); false as detachSource(). */
export function switchOff(unit: Unit, source: Source): bool {
  const entry = contextEntry(unit, source.sourceId);
  source.isOff = 1;
  if (entry == 0) return false;
  source.entry = load64(entry);
  return detachSource(unit, source.sourceId, domainOf(source.partition), true);
}

/** Gives back what switchOff() took; false if there was nothing, or the unit did not carry out the invalidation. */
export function switchOn(unit: Unit, source: Source): bool {
  const entry = contextEntry(unit, source.sourceId);
  source.isOff = 0;
  source.windowFaults = 0;
  if (entry == 0) return false;
  store64(entry, source.entry);
  flushCache(entry, 8);
  return contextAdded(unit, domainOf(source.partition));
}
