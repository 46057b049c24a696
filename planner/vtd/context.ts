// Root and context tables in legacy form, VT-d 4.1 9.1 and 9.3: from a source id to the tables of the partition that owns it.
// What has no entry is blocked: an empty root table denies all 65,536 source ids.
//
//   root table      256 entries of 16 bytes, one a bus           P, address of the context table
//   context table   256 entries of 16 bytes, one a function      P, FPD, TT, second-level root | AW, DID

import { allocate } from "../memory/frames";
import { PAGE_SIZE } from "../../kernel/memory/layout";
import { flushCache, load64, store64 } from "../../kernel/memory/physical";
import { contextEntry, contextPointer } from "../../kernel/vtd/context-entry";
import { contextAdded } from "../../kernel/vtd/refresh";
import { writeScalableEntry } from "./scalable";
import { tableLevels } from "./shape";
import { Unit } from "../../kernel/vtd/unit";

export const enum ContextStatus {
  Done = 0,
  OutOfFrames = 1,
  /** The source id has a present entry already. */
  Taken = 2,
  /** The unit did not carry out the invalidation. */
  NotInvalidated = 3,
}

const PRESENT: u64 = 1 << 0;
/** TT, bits 3:2: 0 untranslated requests only, 1 requests of a device TLB too. */
const TRANSLATION_DEVICE_TLB: u64 = 1 << 2;
const ENTRY_SIZE: u64 = 16;
/** DID, bits 87:72. */
const DOMAIN_SHIFT: u64 = 8;

/** Gives the source id the tables at `root`, under the number `domainId`. */
export function attachSource(unit: Unit, sourceId: u32, domainId: u32, root: u64, deviceTlb: bool): ContextStatus {
  if (!makeContextTable(unit, sourceId)) return ContextStatus.OutOfFrames;
  const entry = contextEntry(unit, sourceId);
  if ((load64(entry) & PRESENT) != 0) return ContextStatus.Taken;
  if (unit.isScalable != 0) {
    if (!writeScalableEntry(entry, domainId, root, deviceTlb)) return ContextStatus.OutOfFrames;
  } else {
    writeEntry(entry, domainId, root, deviceTlb);
  }
  if (unit.isTranslating == 0) return ContextStatus.Done;
  return contextAdded(unit, domainId) ? ContextStatus.Done : ContextStatus.NotInvalidated;
}

function writeEntry(entry: u64, domainId: u32, root: u64, deviceTlb: bool): void {
  const addressWidth = <u64>(tableLevels() - 2);
  store64(entry + 8, addressWidth | (<u64>domainId << DOMAIN_SHIFT));
  store64(entry, root | PRESENT | (deviceTlb ? TRANSLATION_DEVICE_TLB : 0));
  flushCache(entry, ENTRY_SIZE);
}

/** Gives each source id of the bus an entry that can be switched off; false if no frame is left. */
export function makeContextTable(unit: Unit, sourceId: u32): bool {
  const pointer = contextPointer(unit, sourceId);
  if ((load64(pointer) & PRESENT) != 0) return true;
  const table = allocate(1, 1);
  if (table == 0) return false;
  flushCache(table, PAGE_SIZE);
  store64(pointer, table | PRESENT);
  flushCache(pointer, 8);
  return true;
}
