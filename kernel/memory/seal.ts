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

const ENTRIES: u32 = 512;
const LEAF: u64 = 1 << 7;
const FRAME: u64 = 0x000ffffffffff000;
const PAGING_PRESENT: u64 = 1 << 0;
const PAGING_WRITABLE: u64 = 1 << 1;
const PAGING_USER: u64 = 1 << 2;
const PAGING_EXECUTE_DISABLE: u64 = 1 << 63;
const EPT_RIGHTS: u64 = 7;
const EPT_ATTRIBUTES: u64 = 0x3f;

let failedAddress: u64 = 0;
let failedEntry: u64 = 0;
let leaves: u64 = 0;
let bytes: u64 = 0;
let list: usize = 0;
let listLength: u32 = 0;

/** Guest-physical or virtual address of the entry that failed. */
export function sealFailureAddress(): u64 {
  return failedAddress;
}

/** The entry that failed, 0 if a mapping is missing. */
export function sealFailureEntry(): u64 {
  return failedEntry;
}

/** Leaves that the last walk met. */
export function sealLeaves(): u64 {
  return leaves;
}

/** Bytes that they map. */
export function sealBytes(): u64 {
  return bytes;
}

function begin(records: usize, count: u32): void {
  failedAddress = 0;
  failedEntry = 0;
  leaves = 0;
  bytes = 0;
  list = records;
  listLength = count;
}

function fail(status: SealStatus, address: u64, entry: u64): SealStatus {
  failedAddress = address;
  failedEntry = entry;
  return status;
}

/** Checks that the EPT at `root` maps exactly the `count` grants, which do not overlap. */
export function checkEpt(root: u64, grants: usize, count: u32): SealStatus {
  begin(grants, count);
  for (let i4: u32 = 0; i4 < ENTRIES; i4++) {
    const entry = load64(root + (<u64>i4 << 3));
    if ((entry & EPT_RIGHTS) == 0) continue;
    const address = <u64>i4 << 39;
    if ((entry & LEAF) != 0) return fail(SealStatus.EntryMalformed, address, entry);
    const status = checkEptDirectoryPointers(entry & FRAME, address);
    if (status != SealStatus.Good) return status;
  }
  let granted: u64 = 0;
  for (let i: u32 = 0; i < count; i++) granted += grantAt(i).length;
  // Every leaf lies in a grant and no address has two leaves, so equal sizes mean that nothing is missing.
  return bytes == granted ? SealStatus.Good : SealStatus.NotMapped;
}

function checkEptDirectoryPointers(table: u64, base: u64): SealStatus {
  for (let i3: u32 = 0; i3 < ENTRIES; i3++) {
    const entry = load64(table + (<u64>i3 << 3));
    if ((entry & EPT_RIGHTS) == 0) continue;
    const address = base + (<u64>i3 << 30);
    const status = (entry & LEAF) != 0
      ? checkEptLeaf(address, 1 << 30, entry & ~LEAF)
      : checkEptDirectory(entry & FRAME, address);
    if (status != SealStatus.Good) return status;
  }
  return SealStatus.Good;
}

function checkEptDirectory(table: u64, base: u64): SealStatus {
  for (let i2: u32 = 0; i2 < ENTRIES; i2++) {
    const entry = load64(table + (<u64>i2 << 3));
    if ((entry & EPT_RIGHTS) == 0) continue;
    const address = base + (<u64>i2 << 21);
    const status = (entry & LEAF) != 0
      ? checkEptLeaf(address, 1 << 21, entry & ~LEAF)
      : checkEptTable(entry & FRAME, address);
    if (status != SealStatus.Good) return status;
  }
  return SealStatus.Good;
}

function checkEptTable(table: u64, base: u64): SealStatus {
  for (let i1: u32 = 0; i1 < ENTRIES; i1++) {
    const entry = load64(table + (<u64>i1 << 3));
    if ((entry & EPT_RIGHTS) == 0) continue;
    const status = checkEptLeaf(base + (<u64>i1 << 12), 1 << 12, entry);
    if (status != SealStatus.Good) return status;
  }
  return SealStatus.Good;
}

function grantAt(index: u32): Grant {
  return changetype<Grant>(list + <usize>index * GRANT_SIZE);
}

/** All bits that are neither address nor attributes must be clear, and one grant must hold the whole leaf. */
function checkEptLeaf(gpa: u64, size: u64, entry: u64): SealStatus {
  leaves++;
  bytes += size;
  const hpa = entry & FRAME;
  if ((hpa & (size - 1)) != 0) return fail(SealStatus.EntryMalformed, gpa, entry);
  for (let i: u32 = 0; i < listLength; i++) {
    const grant = grantAt(i);
    if (gpa < grant.gpa || gpa - grant.gpa >= grant.length || grant.length - (gpa - grant.gpa) < size) continue;
    const expected = (grant.hpa + (gpa - grant.gpa)) | (grant.attributes & EPT_ATTRIBUTES);
    return entry == expected ? SealStatus.Good : fail(SealStatus.NotGranted, gpa, entry);
  }
  return fail(SealStatus.NotGranted, gpa, entry);
}

/**
 * Checks a core's own tables at `pml4`: nothing writable and executable, nothing for user mode, and no writable mapping
 * of the `count` protected ranges.
 */
export function checkTables(pml4: u64, protectedRanges: usize, count: u32): SealStatus {
  begin(protectedRanges, count);
  for (let i4: u32 = 0; i4 < ENTRIES; i4++) {
    const entry = load64(pml4 + (<u64>i4 << 3));
    if ((entry & PAGING_PRESENT) == 0) continue;
    const address = canonical(<u64>i4 << 39);
    if ((entry & LEAF) != 0) return fail(SealStatus.EntryMalformed, address, entry);
    if ((entry & PAGING_USER) != 0) return fail(SealStatus.UserAccessible, address, entry);
    const status = checkDirectoryPointers(entry & FRAME, address);
    if (status != SealStatus.Good) return status;
  }
  return SealStatus.Good;
}

/** Bits 63:48 repeat bit 47. */
function canonical(address: u64): u64 {
  return <u64>((<i64>address << 16) >> 16);
}

function checkDirectoryPointers(table: u64, base: u64): SealStatus {
  for (let i3: u32 = 0; i3 < ENTRIES; i3++) {
    const entry = load64(table + (<u64>i3 << 3));
    if ((entry & PAGING_PRESENT) == 0) continue;
    const address = base + (<u64>i3 << 30);
    const status = (entry & LEAF) != 0
      ? checkLeaf(address, 1 << 30, entry)
      : checkDirectory(entry, address);
    if (status != SealStatus.Good) return status;
  }
  return SealStatus.Good;
}

function checkDirectory(pointer: u64, base: u64): SealStatus {
  if ((pointer & PAGING_USER) != 0) return fail(SealStatus.UserAccessible, base, pointer);
  for (let i2: u32 = 0; i2 < ENTRIES; i2++) {
    const entry = load64((pointer & FRAME) + (<u64>i2 << 3));
    if ((entry & PAGING_PRESENT) == 0) continue;
    const address = base + (<u64>i2 << 21);
    const status = (entry & LEAF) != 0
      ? checkLeaf(address, 1 << 21, entry)
      : checkTable(entry, address);
    if (status != SealStatus.Good) return status;
  }
  return SealStatus.Good;
}

function checkTable(pointer: u64, base: u64): SealStatus {
  if ((pointer & PAGING_USER) != 0) return fail(SealStatus.UserAccessible, base, pointer);
  for (let i1: u32 = 0; i1 < ENTRIES; i1++) {
    const entry = load64((pointer & FRAME) + (<u64>i1 << 3));
    if ((entry & PAGING_PRESENT) == 0) continue;
    const status = checkLeaf(base + (<u64>i1 << 12), 1 << 12, entry);
    if (status != SealStatus.Good) return status;
  }
  return SealStatus.Good;
}

function checkLeaf(address: u64, size: u64, entry: u64): SealStatus {
  leaves++;
  bytes += size;
  if ((entry & PAGING_USER) != 0) return fail(SealStatus.UserAccessible, address, entry);
  if ((entry & PAGING_WRITABLE) == 0) return SealStatus.Good;
  if ((entry & PAGING_EXECUTE_DISABLE) == 0) return fail(SealStatus.WritableAndExecutable, address, entry);
  const base = entry & FRAME & ~(size - 1);
  for (let i: u32 = 0; i < listLength; i++) {
    const range = changetype<Protected>(list + <usize>i * PROTECTED_SIZE);
    if (base < range.end && base + size > range.base) return fail(SealStatus.ProtectedWritable, address, entry);
  }
  return SealStatus.Good;
}
