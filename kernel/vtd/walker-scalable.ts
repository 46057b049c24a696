// The seal of a context entry in scalable form and of the PASID tables behind it, VT-d 4.1 9.4 to 9.6: requests without
// a PASID use PASID 0, which has a second-level table only, and no other PASID has anything.

import { load64 } from "../memory/physical";
import { checkFrames } from "./walker-frame";
import { WalkStatus, failWalk } from "./walker-status";

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
export function checkScalableEntry(slot: u64, sourceId: u32, domainId: u32, root: u64, levels: u32, deviceTlb: bool): WalkStatus {
  const lower = load64(slot);
  if ((lower & FPD) != 0) return failWalk(WalkStatus.FaultsHidden, sourceId, lower);
  if ((lower & DTE) != (deviceTlb ? DTE : 0)) return failWalk(WalkStatus.WrongTranslation, sourceId, lower);
  // PASIDE, PRE, PDTS, RID_PASID and RID_PRIV are 0 as well.
  if ((lower & ~(POINTER | DTE)) != P) return failWalk(WalkStatus.UnexpectedBit, sourceId, lower);
  let status = checkZeros(slot + 8, slot + CONTEXT_ENTRY_SIZE, sourceId);
  if (status != WalkStatus.Good) return status;
  const directory = lower & POINTER;
  status = checkFrames(directory, 1, sourceId, lower);
  if (status != WalkStatus.Good) return status;
  status = checkAbsent(directory, DIRECTORY_ENTRY_SIZE, DIRECTORY_ENTRIES, sourceId);
  return status == WalkStatus.Good ? checkDirectoryEntry(load64(directory), sourceId, domainId, root, levels) : status;
}

function checkDirectoryEntry(entry: u64, sourceId: u32, domainId: u32, root: u64, levels: u32): WalkStatus {
  if ((entry & P) == 0) return failWalk(WalkStatus.SourceMissing, sourceId, entry);
  if ((entry & FPD) != 0) return failWalk(WalkStatus.FaultsHidden, sourceId, entry);
  if ((entry & ~POINTER) != P) return failWalk(WalkStatus.UnexpectedBit, sourceId, entry);
  const table = entry & POINTER;
  let status = checkFrames(table, 1, sourceId, entry);
  if (status != WalkStatus.Good) return status;
  status = checkAbsent(table, PASID_ENTRY_SIZE, PASID_ENTRIES, sourceId);
  if (status != WalkStatus.Good) return status;
  status = checkPasidEntry(load64(table), load64(table + 8), sourceId, domainId, root, levels);
  return status == WalkStatus.Good ? checkZeros(table + 16, table + PASID_ENTRY_SIZE, sourceId) : status;
}

function checkPasidEntry(lower: u64, upper: u64, sourceId: u32, domainId: u32, root: u64, levels: u32): WalkStatus {
  if ((lower & P) == 0) return failWalk(WalkStatus.SourceMissing, sourceId, lower);
  if ((lower & FPD) != 0) return failWalk(WalkStatus.FaultsHidden, sourceId, lower);
  if ((lower & PGTT) != PGTT_SECOND_LEVEL) return failWalk(WalkStatus.WrongTranslation, sourceId, lower);
  if ((lower & AW) != (<u64>levels - 2) << AW_SHIFT) return failWalk(WalkStatus.WrongWidth, sourceId, lower);
  if ((lower & ~(POINTER | PGTT | AW)) != P) return failWalk(WalkStatus.UnexpectedBit, sourceId, lower);
  if ((lower & POINTER) != root) return failWalk(WalkStatus.WrongTable, sourceId, lower);
  if ((upper & DID) != domainId) return failWalk(WalkStatus.WrongDomain, sourceId, upper);
  return (upper & ~DID) == 0 ? WalkStatus.Good : failWalk(WalkStatus.UnexpectedBit, sourceId, upper);
}

/** All entries but the first are not present. */
function checkAbsent(table: u64, size: u64, entries: u64, sourceId: u32): WalkStatus {
  for (let i: u64 = 1; i < entries; i++) {
    const entry = load64(table + i * size);
    if ((entry & P) != 0) return failWalk(WalkStatus.UnknownPasid, sourceId, entry);
  }
  return WalkStatus.Good;
}

function checkZeros(from: u64, end: u64, sourceId: u32): WalkStatus {
  for (let slot = from; slot < end; slot += 8) {
    const word = load64(slot);
    if (word != 0) return failWalk(WalkStatus.UnexpectedBit, sourceId, word);
  }
  return WalkStatus.Good;
}
