// The seal of root and context tables, VT-d 4.1 9.1 to 9.4: of all 65,536 source ids of a unit the listed devices have
// their tables, and no other has any.

import { load64 } from "../memory/physical";
import { checkFrames } from "./walker-frame";
import { checkScalableEntry } from "./walker-scalable";
import {
  DOMAIN_SHARED, FAULTS_HIDDEN, SOURCE_MISSING, UNEXPECTED_BIT, WRONG_DOMAIN, WRONG_TABLE, WRONG_TRANSLATION, WRONG_WIDTH, failWalk,
} from "./walker-failure";

/** What a source id must have. */
@unmanaged
export class DeviceGrant {
  /** Bus, device and function: bits 15:8, 7:3 and 2:0. */
  sourceId: u32;
  domainId: u32;
  /** Root of its second-level tables. */
  root: u64;
  /** Levels of them. */
  levels: u32;
  /** 1: requests of its device TLB are taken (ATS). */
  deviceTlb: u32;
}
export const DEVICE_GRANT_SIZE: usize = 24;

const BUSES: u32 = 256;
const ROOT_ENTRY_SIZE: u64 = 16;
/** Bytes of a context entry: 256 of them fill a page in legacy form, 128 in scalable form. */
const LEGACY_ENTRY_SIZE: u64 = 16;
const SCALABLE_ENTRY_SIZE: u64 = 32;
const SOURCE_IDS: u32 = 65536;
const DOMAIN_IDS: u32 = 65536;

const P: u64 = 1 << 0;
const FPD: u64 = 1 << 1;
const TT: u64 = 3 << 2;
const TT_DEVICE_TLB: u64 = 1 << 2;
const AW: u64 = 7;
const DID_SHIFT: u64 = 8;
const DID: u64 = 0xffff << 8;
/** All bits from 12 on: the unit takes those beyond its width as reserved, the walker as a wrong address. */
const POINTER: u64 = 0xfffffffffffff000;

let list: usize = 0;
let listLength: u32 = 0;
let scalable: bool = false;

/**
 * Checks the root table at `rootTable`, in scalable form (RTADDR.TTM 1) or legacy form, and all that it leads to but
 * second-level tables: exactly the `count` DeviceGrant records at `grants` are there.
 */
export function checkDeviceTables(rootTable: u64, isScalable: bool, grants: usize, count: u32): bool {
  list = grants;
  listLength = count;
  scalable = isScalable;
  if ((rootTable & ~POINTER) != 0) return failWalk(UNEXPECTED_BIT, 0, rootTable);
  let isGood = checkFrames(rootTable, 1, 0, rootTable) && checkList();
  for (let bus: u32 = 0; isGood && bus < BUSES; bus++) isGood = checkRootEntry(rootTable, bus);
  for (let i: u32 = 0; isGood && i < count; i++) isGood = checkPresence(rootTable, grantAt(i).sourceId);
  return isGood;
}

/** A domain id tags cached translations, so two tables under one domain id would mix two partitions. */
function checkList(): bool {
  for (let i: u32 = 0; i < listLength; i++) {
    const one = grantAt(i);
    if (one.sourceId >= SOURCE_IDS) return failWalk(SOURCE_MISSING, one.sourceId, 0);
    if (one.domainId == 0 || one.domainId >= DOMAIN_IDS) return failWalk(DOMAIN_SHARED, one.sourceId, one.domainId);
    for (let k: u32 = 0; k < i; k++) {
      const other = grantAt(k);
      if (one.sourceId == other.sourceId) return failWalk("a source id is listed twice", one.sourceId, 0);
      if ((one.domainId == other.domainId) != (one.root == other.root)) return failWalk(DOMAIN_SHARED, one.sourceId, one.domainId);
    }
  }
  return true;
}

function checkRootEntry(rootTable: u64, bus: u32): bool {
  const slot = rootTable + <u64>bus * ROOT_ENTRY_SIZE;
  const lower = load64(slot);
  const upper = load64(slot + 8);
  if (scalable) return checkContextTable(lower, bus << 8, 128) && checkContextTable(upper, (bus << 8) | 0x80, 128);
  if ((lower & P) != 0 && upper != 0) return failWalk(UNEXPECTED_BIT, bus << 8, upper);
  return checkContextTable(lower, bus << 8, 256);
}

/** `pointer` is a half of a root entry: P, reserved bits 11:1, address of `entries` context entries from source id `first` on. */
function checkContextTable(pointer: u64, first: u32, entries: u32): bool {
  if ((pointer & P) == 0) return true;
  if ((pointer & ~POINTER) != P) return failWalk(UNEXPECTED_BIT, first, pointer);
  const table = pointer & POINTER;
  let isGood = checkFrames(table, 1, first, pointer);
  const size = scalable ? SCALABLE_ENTRY_SIZE : LEGACY_ENTRY_SIZE;
  for (let i: u32 = 0; isGood && i < entries; i++) isGood = checkContextEntry(table + <u64>i * size, first + i);
  return isGood;
}

function checkContextEntry(slot: u64, sourceId: u32): bool {
  const lower = load64(slot);
  if ((lower & P) == 0) return true;
  for (let i: u32 = 0; i < listLength; i++) {
    const grant = grantAt(i);
    if (grant.sourceId != sourceId) continue;
    if (!scalable) return checkLegacyEntry(grant, lower, load64(slot + 8));
    return checkScalableEntry(slot, sourceId, grant.domainId, grant.root, grant.levels, grant.deviceTlb != 0);
  }
  return failWalk("a source id that nobody owns has an entry", sourceId, lower);
}

function checkLegacyEntry(grant: DeviceGrant, lower: u64, upper: u64): bool {
  const sourceId = grant.sourceId;
  if ((lower & FPD) != 0) return failWalk(FAULTS_HIDDEN, sourceId, lower);
  if ((lower & TT) != (grant.deviceTlb != 0 ? TT_DEVICE_TLB : 0)) return failWalk(WRONG_TRANSLATION, sourceId, lower);
  if ((lower & ~(POINTER | TT)) != P) return failWalk(UNEXPECTED_BIT, sourceId, lower);
  if ((lower & POINTER) != grant.root) return failWalk(WRONG_TABLE, sourceId, lower);
  if ((upper & AW) != <u64>grant.levels - 2) return failWalk(WRONG_WIDTH, sourceId, upper);
  if ((upper & DID) != <u64>grant.domainId << DID_SHIFT) return failWalk(WRONG_DOMAIN, sourceId, upper);
  return (upper & ~(AW | DID)) == 0 || failWalk(UNEXPECTED_BIT, sourceId, upper);
}

/** Whether a listed source id has a present entry; what it says was checked before. */
function checkPresence(rootTable: u64, sourceId: u32): bool {
  const half: u64 = scalable && (sourceId & 0x80) != 0 ? 8 : 0;
  const pointer = load64(rootTable + <u64>(sourceId >> 8) * ROOT_ENTRY_SIZE + half);
  if ((pointer & P) == 0) return failWalk(SOURCE_MISSING, sourceId, 0);
  const offset = scalable ? <u64>(sourceId & 0x7f) * SCALABLE_ENTRY_SIZE : <u64>(sourceId & 0xff) * LEGACY_ENTRY_SIZE;
  return (load64((pointer & POINTER) + offset) & P) != 0 || failWalk(SOURCE_MISSING, sourceId, 0);
}

function grantAt(index: u32): DeviceGrant {
  return changetype<DeviceGrant>(list + <usize>index * DEVICE_GRANT_SIZE);
}
