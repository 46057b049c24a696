// The interrupt remapping table of a unit, VT-d 4.1 5.1 and 9.9: one frame, empty until entries are given. An interrupt
// that names no present entry, or comes from another source than its entry's, is blocked.

import { allocate } from "../memory/frames";
import { PAGE_SIZE } from "../../kernel/memory/layout";
import { flushCache, load64, store64 } from "../../kernel/memory/physical";
import { isDestination, isValidation, isVector, postedHigh, postedLow, remappedLow } from "./interrupt-entry";
import { destinationOf, INTERRUPT_ENTRIES, usesExtendedDestinations } from "../../kernel/vtd/interrupt-remapping";
import { InvalidationStatus } from "../../kernel/vtd/invalidation-status";
import { CAP_PI, ECAP_C } from "../../kernel/vtd/register";
import { invalidateInterruptEntries } from "./selective-invalidation";
import { Unit } from "../../kernel/vtd/unit";

export const enum EntryStatus {
  Done = 0,
  /** The entry was not allocated. */
  NoSuchEntry = 1,
  /** The entry would take interrupts from any source, or from none. */
  SourceUnchecked = 2,
  /** Vectors 0 to 15 cannot be delivered. */
  VectorIllegal = 3,
  /** The APIC identifier needs extended interrupt mode (ECAP.EIM), or stands for all cores. */
  CoreUnreachable = 4,
  /** The unit cannot post (CAP.PI). */
  PostingUnsupported = 5,
  /** A posted descriptor must be aligned to 64 bytes. */
  DescriptorMisaligned = 6,
  /** The unit did not carry out the invalidation; it may still use what the entry was. */
  NotInvalidated = 7,
}

export const NO_ENTRY: u32 = 0xffffffff;

const ENTRY_SIZE: u64 = 16;

// Entries of each unit's table that are taken.
const taken: usize = memory.data(256, 4); // MAXIMUM_UNITS u32

function entriesTaken(unit: Unit): u32 { return load<u32>(taken + (<usize>unit.index << 2)); }
function setEntriesTaken(unit: Unit, count: u32): void { store<u32>(taken + (<usize>unit.index << 2), count); }

/** Gives the unit a table without a present entry; false if no frame is left. */
export function createInterruptTable(unit: Unit): bool {
  const table = allocate(1, 1);
  if (table == 0) return false;
  flush(unit, table, PAGE_SIZE);
  unit.interruptTable = table;
  setEntriesTaken(unit, 0);
  return true;
}

/** Takes `count` entries in a row, which stay empty; the index of the first, or NO_ENTRY. They are never given back. */
export function allocateEntries(unit: Unit, count: u32): u32 {
  if (unit.interruptTable == 0 || count == 0 || count > INTERRUPT_ENTRIES - entriesTaken(unit)) return NO_ENTRY;
  const first = entriesTaken(unit);
  setEntriesTaken(unit, first + count);
  return first;
}

/**
 * Lets the sources of `validation` (sourceValidation() or busRangeValidation()) deliver `vector` to the core `apicId`.
 * For an I/O APIC pin, `levelTriggered` and `vector` must be those of its redirection entry.
 */
export function writeEntry(unit: Unit, index: u32, vector: u32, apicId: u32, levelTriggered: bool, validation: u32): EntryStatus {
  const status = checkEntry(unit, index, vector, validation);
  if (status != EntryStatus.Done) return status;
  const extended = usesExtendedDestinations(unit);
  if (!isDestination(apicId, extended)) return EntryStatus.CoreUnreachable;
  return replaceEntry(unit, index, remappedLow(vector, destinationOf(apicId, extended), levelTriggered), <u64>validation);
}

/** Lets the sources of `validation` post `vector` to the descriptor at the physical address `descriptor` (posted.ts). */
export function writePostedEntry(unit: Unit, index: u32, vector: u32, descriptor: u64, urgent: bool, validation: u32): EntryStatus {
  if ((unit.capability & CAP_PI) == 0) return EntryStatus.PostingUnsupported;
  if ((descriptor & 63) != 0) return EntryStatus.DescriptorMisaligned;
  const status = checkEntry(unit, index, vector, validation);
  if (status != EntryStatus.Done) return status;
  return replaceEntry(unit, index, postedLow(vector, descriptor, urgent), postedHigh(descriptor, validation));
}

/** Blocks the interrupt; when this returns Done, none is on its way any more. */
export function clearEntry(unit: Unit, index: u32): EntryStatus {
  return index < entriesTaken(unit) ? replaceEntry(unit, index, 0, 0) : EntryStatus.NoSuchEntry;
}

function checkEntry(unit: Unit, index: u32, vector: u32, validation: u32): EntryStatus {
  if (index >= entriesTaken(unit)) return EntryStatus.NoSuchEntry;
  if (!isValidation(validation)) return EntryStatus.SourceUnchecked;
  return isVector(vector) ? EntryStatus.Done : EntryStatus.VectorIllegal;
}

/** Each half is one store, so that the unit sees a whole entry or none: with another high half the entry goes away first. */
function replaceEntry(unit: Unit, index: u32, low: u64, high: u64): EntryStatus {
  const entry = unit.interruptTable + <u64>index * ENTRY_SIZE;
  if (load64(entry + 8) != high) {
    store64(entry, 0);
    store64(entry + 8, high);
  }
  store64(entry, low);
  flush(unit, entry, ENTRY_SIZE);
  if (unit.isRemapping == 0) return EntryStatus.Done;
  return invalidateInterruptEntries(unit, index, 1) == InvalidationStatus.Done ? EntryStatus.Done : EntryStatus.NotInvalidated;
}

function flush(unit: Unit, address: u64, length: u64): void {
  if ((unit.extended & ECAP_C) == 0) flushCache(address, length);
}
