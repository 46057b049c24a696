// The seal: before the first VM entry this code, which shares nothing with the builders, walks every table from its
// root and checks each leaf against what was granted.

import { load64 } from "./physical";

export const enum SealStatus {
  Good = 0,
  /** A leaf maps an address, right or memory type that no grant gives. */
  NotGranted = 1,
  /** A granted byte is not mapped. */
  NotMapped = 2,
  /** A leaf is writable and executable. */
  WritableAndExecutable = 3,
  /** An entry is open to user mode. */
  UserAccessible = 4,
  /** A writable leaf covers memory that must stay as it is. */
  ProtectedWritable = 5,
  /** A large leaf where none may be, or address bits that the processor reserves. */
  EntryMalformed = 6,
}

/** What an EPT may map, one record of u64 for each range. */
@unmanaged
export class Grant {
  gpa: u64;
  hpa: u64;
  /** Bytes. */
  length: u64;
  /** Bits 5:0 of each leaf: rights and memory type. */
  attributes: u64;
}
export const GRANT_SIZE: usize = 32;

/** Physical memory that no writable mapping may cover. */
@unmanaged
export class Protected {
  base: u64;
  /** First byte after it. */
  end: u64;
}
export const PROTECTED_SIZE: usize = 16;

/** Where the walk is in the table that it has reached at a level. */
@unmanaged
class Place {
  table: u64;
  /** Guest-physical or virtual address of the table's first entry. */
  base: u64;
  /** Index of the next entry. */
  next: u64;
}
const PLACE_SIZE: u32 = 24;

const LEVELS: u32 = 4;
const ENTRIES: u64 = 512;
/** Address bits that index a table, and those below a table of level 1. */
const INDEX_BITS: u32 = 9;
const PAGE_SHIFT: u32 = 12;
const LEAF: u64 = 1 << 7;
const FRAME: u64 = 0x000ffffffffff000;
const PAGING_PRESENT: u64 = 1 << 0;
const PAGING_WRITABLE: u64 = 1 << 1;
const PAGING_USER: u64 = 1 << 2;
const PAGING_EXECUTE_DISABLE: u64 = 1 << 63;
const EPT_RIGHTS: u64 = 7;
const EPT_ATTRIBUTES: u64 = 0x3f;

const places: usize = memory.data(96, 8); // LEVELS * PLACE_SIZE

let failedAddress: u64 = 0;
let failedEntry: u64 = 0;
let leaves: u64 = 0;
let bytes: u64 = 0;
let isEpt: bool = false;
let list: usize = 0;
let listLength: u32 = 0;

/** Guest-physical or virtual address of the entry that failed. */
export function sealFailureAddress(): u64 { return failedAddress; }
/** The entry that failed, 0 if a mapping is missing. */
export function sealFailureEntry(): u64 { return failedEntry; }
/** Leaves that the last walk met. */
export function sealLeaves(): u64 { return leaves; }
/** Bytes that they map. */
export function sealBytes(): u64 { return bytes; }

/** Checks that the EPT at `root` maps exactly the `count` grants, which do not overlap. */
export function checkEpt(root: u64, grants: usize, count: u32): SealStatus {
  isEpt = true;
  const status = walk(root, grants, count);
  if (status != SealStatus.Good) return status;
  let granted: u64 = 0;
  for (let i: u32 = 0; i < count; i++) granted += grantAt(i).length;
  // Every leaf lies in a grant and no address has two leaves, so equal sizes mean that nothing is missing.
  return bytes == granted ? SealStatus.Good : SealStatus.NotMapped;
}

/**
 * Checks a core's own tables at `pml4`: nothing writable and executable, nothing for user mode, and no writable mapping
 * of the `count` protected ranges.
 */
export function checkTables(pml4: u64, protectedRanges: usize, count: u32): SealStatus {
  isEpt = false;
  return walk(pml4, protectedRanges, count);
}

/** Checks every entry below `root` against the `count` records: from table to table, without recursion. */
function walk(root: u64, records: usize, count: u32): SealStatus {
  failedAddress = 0;
  failedEntry = 0;
  leaves = 0;
  bytes = 0;
  list = records;
  listLength = count;
  enterTable(LEVELS, root, 0);
  for (let level = LEVELS; level <= LEVELS;) {
    const place = placeAt(level);
    if (place.next == ENTRIES) {
      level++;
      continue;
    }
    const shift = PAGE_SHIFT + INDEX_BITS * (level - 1);
    const address = place.base + (place.next << shift);
    const entry = load64(place.table + (place.next << 3));
    place.next++;
    if ((entry & (isEpt ? EPT_RIGHTS : PAGING_PRESENT)) == 0) continue;
    const isLeaf = level == 1 || (entry & LEAF) != 0;
    const status = isLeaf ? checkLeaf(level, address, <u64>1 << shift, entry) : checkPointer(entry);
    if (status != SealStatus.Good) return fail(status, address, entry);
    if (!isLeaf) enterTable(--level, entry & FRAME, address);
  }
  return SealStatus.Good;
}

function placeAt(level: u32): Place { return changetype<Place>(places + (level - 1) * PLACE_SIZE); }

function enterTable(level: u32, table: u64, base: u64): void {
  const place = placeAt(level);
  place.table = table;
  place.base = base;
  place.next = 0;
}

/** Bits 63:48 of a virtual address repeat bit 47. */
function fail(status: SealStatus, address: u64, entry: u64): SealStatus {
  failedAddress = isEpt ? address : <u64>((<i64>address << 16) >> 16);
  failedEntry = entry;
  return status;
}

function checkPointer(entry: u64): SealStatus {
  return !isEpt && (entry & PAGING_USER) != 0 ? SealStatus.UserAccessible : SealStatus.Good;
}

function checkLeaf(level: u32, address: u64, size: u64, entry: u64): SealStatus {
  if (level == LEVELS) return SealStatus.EntryMalformed;
  leaves++;
  bytes += size;
  return isEpt ? checkGranted(address, size, level == 1 ? entry : entry & ~LEAF) : checkUnprotected(size, entry);
}

function grantAt(index: u32): Grant { return changetype<Grant>(list + <usize>index * GRANT_SIZE); }

/** All bits that are neither address nor attributes must be clear, and one grant must hold the whole leaf. */
function checkGranted(gpa: u64, size: u64, entry: u64): SealStatus {
  if ((entry & FRAME & (size - 1)) != 0) return SealStatus.EntryMalformed;
  for (let i: u32 = 0; i < listLength; i++) {
    const grant = grantAt(i);
    if (gpa < grant.gpa || gpa - grant.gpa >= grant.length || grant.length - (gpa - grant.gpa) < size) continue;
    const expected = (grant.hpa + (gpa - grant.gpa)) | (grant.attributes & EPT_ATTRIBUTES);
    return entry == expected ? SealStatus.Good : SealStatus.NotGranted;
  }
  return SealStatus.NotGranted;
}

/** A leaf of a core's own tables. */
function checkUnprotected(size: u64, entry: u64): SealStatus {
  if ((entry & PAGING_USER) != 0) return SealStatus.UserAccessible;
  if ((entry & PAGING_WRITABLE) == 0) return SealStatus.Good;
  if ((entry & PAGING_EXECUTE_DISABLE) == 0) return SealStatus.WritableAndExecutable;
  const base = entry & FRAME & ~(size - 1);
  for (let i: u32 = 0; i < listLength; i++) {
    const range = changetype<Protected>(list + <usize>i * PROTECTED_SIZE);
    if (base < range.end && base + size > range.base) return SealStatus.ProtectedWritable;
  }
  return SealStatus.Good;
}
