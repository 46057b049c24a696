// The seal of a context entry in scalable form and of the PASID tables behind it, VT-d 4.1 9.4 to 9.6: requests without
// a PASID use PASID 0, which has a second-level table only, and no other PASID has anything.

import { load64 } from "../memory/physical";
import { checkFrames } from "./walker-frame";
import { FAULTS_HIDDEN, SOURCE_MISSING, UNEXPECTED_BIT, WRONG_DOMAIN, WRONG_TABLE, WRONG_TRANSLATION, WRONG_WIDTH, failWalk } from "./walker-failure";

const CONTEXT_ENTRY_SIZE: u64 = 32;
const DIRECTORY_ENTRY_SIZE: u64 = 8;
const PASID_ENTRY_SIZE: u64 = 64;
/** Entries of a PASID directory whose size field (PDTS) is 0. */
const DIRECTORY_ENTRIES: u64 = 128;
const PASID_ENTRIES: u64 = 64;

const P: u64 = 1 << 0;
const FPD: u64 = 1 << 1;
const POINTER: u64 = 0xfffffffffffff000;

/** Context entry. */
const DTE: u64 = 1 << 2; // device TLB enable

/** PASID table entry, first and second u64. */
const AW: u64 = 7 << 2;
const AW_SHIFT: u64 = 2;
const PGTT: u64 = 7 << 6;
const PGTT_SECOND_LEVEL: u64 = 2 << 6;
const DID: u64 = 0xffff;

/** Checks the present context entry at `slot`. */
export function checkScalableEntry(slot: u64, sourceId: u32, domainId: u32, root: u64, levels: u32, deviceTlb: bool): bool {
  const lower = load64(slot);
  if ((lower & FPD) != 0) return failWalk(FAULTS_HIDDEN, sourceId, lower);
  if ((lower & DTE) != (deviceTlb ? DTE : 0)) return failWalk(WRONG_TRANSLATION, sourceId, lower);
  // PASIDE, PRE, PDTS, RID_PASID and RID_PRIV are 0 as well.
  if ((lower & ~(POINTER | DTE)) != P) return failWalk(UNEXPECTED_BIT, sourceId, lower);
  const directory = lower & POINTER;
  return checkZeros(slot + 8, slot + CONTEXT_ENTRY_SIZE, sourceId)
    && checkFrames(directory, 1, sourceId, lower)
    && checkAbsent(directory, DIRECTORY_ENTRY_SIZE, DIRECTORY_ENTRIES, sourceId)
    && checkDirectoryEntry(load64(directory), sourceId, domainId, root, levels);
}

function checkDirectoryEntry(entry: u64, sourceId: u32, domainId: u32, root: u64, levels: u32): bool {
  if ((entry & P) == 0) return failWalk(SOURCE_MISSING, sourceId, entry);
  if ((entry & FPD) != 0) return failWalk(FAULTS_HIDDEN, sourceId, entry);
  if ((entry & ~POINTER) != P) return failWalk(UNEXPECTED_BIT, sourceId, entry);
  const table = entry & POINTER;
  return checkFrames(table, 1, sourceId, entry)
    && checkAbsent(table, PASID_ENTRY_SIZE, PASID_ENTRIES, sourceId)
    && checkPasidEntry(load64(table), load64(table + 8), sourceId, domainId, root, levels)
    && checkZeros(table + 16, table + PASID_ENTRY_SIZE, sourceId);
}

function checkPasidEntry(lower: u64, upper: u64, sourceId: u32, domainId: u32, root: u64, levels: u32): bool {
  if ((lower & P) == 0) return failWalk(SOURCE_MISSING, sourceId, lower);
  if ((lower & FPD) != 0) return failWalk(FAULTS_HIDDEN, sourceId, lower);
  if ((lower & PGTT) != PGTT_SECOND_LEVEL) return failWalk(WRONG_TRANSLATION, sourceId, lower);
  if ((lower & AW) != (<u64>levels - 2) << AW_SHIFT) return failWalk(WRONG_WIDTH, sourceId, lower);
  if ((lower & ~(POINTER | PGTT | AW)) != P) return failWalk(UNEXPECTED_BIT, sourceId, lower);
  if ((lower & POINTER) != root) return failWalk(WRONG_TABLE, sourceId, lower);
  if ((upper & DID) != domainId) return failWalk(WRONG_DOMAIN, sourceId, upper);
  return (upper & ~DID) == 0 || failWalk(UNEXPECTED_BIT, sourceId, upper);
}

/** All entries but the first are not present. */
function checkAbsent(table: u64, size: u64, entries: u64, sourceId: u32): bool {
  for (let i: u64 = 1; i < entries; i++) {
    const entry = load64(table + i * size);
    if ((entry & P) != 0) return failWalk("a PASID that nobody uses has an entry", sourceId, entry);
  }
  return true;
}

function checkZeros(from: u64, end: u64, sourceId: u32): bool {
  for (let slot = from; slot < end; slot += 8) {
    const word = load64(slot);
    if (word != 0) return failWalk(UNEXPECTED_BIT, sourceId, word);
  }
  return true;
}
