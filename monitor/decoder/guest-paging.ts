// The guest's own paging (SDM 3A chapter 4): linear to guest-physical address, with the checks and the accessed and
// dirty bits of the processor.

import { load32, load64, store8 } from "../imports";
import { VcpuFrame } from "../interface";
import { raisePageFault } from "./fault";
import { Rflags, frame } from "./frame";

/** What the access is, as bits of the #PF error code (SDM 3A 4.7). */
export const enum Access { Read = 0, Write = 1 << 1, User = 1 << 2, Fetch = 1 << 4 }
const ERROR_PRESENT: u32 = 1 << 0;

export const NOT_MAPPED: u64 = u64.MAX_VALUE;

const enum Cr0 { Wp = 1 << 16, Pg = 1 << 31 }
const enum Cr4 { Pse = 1 << 4, Pae = 1 << 5, La57 = 1 << 12, Smep = 1 << 20, Smap = 1 << 21 }
const enum Efer { Lma = 1 << 10, Nxe = 1 << 11 }

/** SDM 3A 4.5.5. */
const enum Entry {
  Present = 1 << 0,
  Writable = 1 << 1,
  User = 1 << 2,
  Accessed = 1 << 5,
  Dirty = 1 << 6,
  PageSize = 1 << 7,
}
const NO_EXECUTE: u64 = 1 << 63;
const ADDRESS: u64 = 0x000FFFFFFFFFF000;

/** Bit of the linear address at which the index into a table of each level starts. */
const enum Shift { Pml5 = 48, Pml4 = 39, PageDirectoryPointer = 30, PageDirectory = 21, PageTable = 12, Legacy4M = 22 }

/** Entries that the last walk for a fetch met, from the top: pairs of address and entry. */
const trail: usize = memory.data(80, 8);
let trailLength: u32 = 0;

/** Whether that walk would meet the same entries now. */
export function isTrailUnchanged(): bool {
  for (let i: u32 = 0; i < trailLength; i++) {
    const step = trail + (i << 4);
    if (load64(load<u64>(step)) != load<u64>(step, 8)) return false;
  }
  return true;
}

/** The processor has marked the entry of a page that it fetched from. */
function leaveTrail(address: u64, entry: u64): void {
  const step = trail + (trailLength << 4);
  store<u64>(step, address);
  store<u64>(step, entry | Entry.Accessed, 8);
  trailLength++;
}

/** Guest-physical address, or NOT_MAPPED; then LinearAddress and CodeMode of the frame describe the #PF. */
export function translate(linear: u64, access: u32): u64 {
  if (!(frame(VcpuFrame.Cr0) & <u32>Cr0.Pg)) return linear & 0xffffffff;
  const root = frame(VcpuFrame.Cr3);
  const cr4 = frame(VcpuFrame.Cr4);
  if (frame(VcpuFrame.Efer) & Efer.Lma) return walk(root & ADDRESS, linear, cr4 & Cr4.La57 ? Shift.Pml5 : Shift.Pml4, access);
  if (cr4 & Cr4.Pae) return walkPae(root, linear & 0xffffffff, access);
  return walkLegacy(root, linear & 0xffffffff, access);
}

/** Paging with four or five levels. */
export function isLongPaging(): bool {
  return (frame(VcpuFrame.Cr0) & <u32>Cr0.Pg) != 0 && (frame(VcpuFrame.Efer) & Efer.Lma) != 0;
}

/** Tables of 512 entries of 8 bytes, from the level of `shift` down (SDM 3A 4.5). */
function walk(root: u64, linear: u64, firstShift: u64, access: u32): u64 {
  let table = root;
  let rights: u64 = Entry.Writable | Entry.User;
  let noExecute: u64 = 0;
  let shift = firstShift;
  if (access & Access.Fetch) trailLength = 0;
  while (true) {
    const address = table + (((linear >> shift) & 511) << 3);
    const entry = load64(address);
    if (!(entry & Entry.Present)) return fault(linear, access);
    if (access & Access.Fetch) leaveTrail(address, entry);
    rights &= entry;
    noExecute |= entry & NO_EXECUTE;
    if (shift == Shift.PageTable || (shift <= <u64>Shift.PageDirectoryPointer && entry & Entry.PageSize)) {
      if (isDenied(access, rights, noExecute)) return fault(linear, access | ERROR_PRESENT);
      markLeaf(address, entry, access);
      const offset = (<u64>1 << shift) - 1;
      return (entry & ADDRESS & ~offset) | (linear & offset);
    }
    mark(address, entry, Entry.Accessed);
    table = entry & ADDRESS;
    shift -= 9;
  }
}

/** SDM 3A 4.4: four page-directory-pointer entries, which carry no rights. */
function walkPae(root: u64, linear: u64, access: u32): u64 {
  const pointer = load64((root & 0xffffffe0) + ((linear >> Shift.PageDirectoryPointer) << 3));
  if (!(pointer & Entry.Present)) return fault(linear, access);
  return walk(pointer & ADDRESS, linear, Shift.PageDirectory, access);
}

/** SDM 3A 4.3: two levels of 1024 entries of 4 bytes. */
function walkLegacy(root: u64, linear: u64, access: u32): u64 {
  const directoryAddress = (root & 0xfffff000) + ((linear >> Shift.Legacy4M) << 2);
  const directory: u64 = load32(directoryAddress);
  if (!(directory & Entry.Present)) return fault(linear, access);
  if (directory & Entry.PageSize && frame(VcpuFrame.Cr4) & Cr4.Pse) {
    if (isDenied(access, directory, 0)) return fault(linear, access | ERROR_PRESENT);
    markLeaf(directoryAddress, directory, access);
    return (directory & 0xffc00000) | (((directory >> 13) & 0xff) << 32) | (linear & 0x3fffff);
  }
  mark(directoryAddress, directory, Entry.Accessed);
  const address = (directory & 0xfffff000) + (((linear >> Shift.PageTable) & 1023) << 2);
  const entry: u64 = load32(address);
  if (!(entry & Entry.Present)) return fault(linear, access);
  if (isDenied(access, entry & directory, 0)) return fault(linear, access | ERROR_PRESENT);
  markLeaf(address, entry, access);
  return (entry & 0xfffff000) | (linear & 0xfff);
}

/** SDM 3A 4.6.1; protection keys are not offered to guests. */
function isDenied(access: u32, rights: u64, noExecute: u64): bool {
  const isUser = (access & Access.User) != 0;
  const isUserPage = (rights & Entry.User) != 0;
  if (access & Access.Write && !(rights & Entry.Writable) && (isUser || frame(VcpuFrame.Cr0) & Cr0.Wp)) return true;
  if (access & Access.Fetch && noExecute && frame(VcpuFrame.Efer) & Efer.Nxe) return true;
  if (isUser || !isUserPage) return isUser && !isUserPage;
  if (access & Access.Fetch) return (frame(VcpuFrame.Cr4) & Cr4.Smep) != 0;
  return (frame(VcpuFrame.Cr4) & Cr4.Smap) != 0 && !(frame(VcpuFrame.Rflags) & Rflags.Ac);
}

function markLeaf(address: u64, entry: u64, access: u32): void {
  mark(address, entry, access & Access.Write ? Entry.Accessed | Entry.Dirty : Entry.Accessed);
}

/** Sets bits in an entry's lowest byte only, so that another vCPU's change to the address is not undone. */
function mark(address: u64, entry: u64, bits: u64): void {
  if ((entry & bits) != bits) store8(address, <u8>(entry | bits));
}

function fault(linear: u64, errorCode: u32): u64 {
  raisePageFault(linear, errorCode);
  return NOT_MAPPED;
}
