// The translation of the code page last used, since the same instruction of a driver reaches its device again and again.
// No TLB: what it answers was checked against the guest's tables as they are now.

import { VcpuFrame } from "../interface";
import { frame, isUser } from "./frame";
import { Access, NOT_MAPPED, isLongPaging, isTrailUnchanged, translate } from "./guest-paging";

const PAGE_OFFSET: u64 = 0xfff;
/** No fetch is of this kind. */
const NOTHING: u32 = 0;

/** All that a walk depends on, but for the entries that it meets. */
let knownAccess: u32 = NOTHING;
let knownLinear: u64 = 0;
let knownCr3: u64 = 0;
let knownCr4: u64 = 0;
let knownCr0: u64 = 0;
let knownEfer: u64 = 0;
/** Guest-physical address of the page. */
let knownPage: u64 = 0;

/** Guest-physical address of the code at `linear`, or NOT_MAPPED, as translate() says. */
export function translateCode(linear: u64): u64 {
  const access: u32 = isUser() ? Access.Fetch | Access.User : Access.Fetch;
  if (isKnown(linear, access) && isTrailUnchanged()) return knownPage | (linear & PAGE_OFFSET);
  knownAccess = NOTHING;
  const gpa = translate(linear, access);
  if (gpa != NOT_MAPPED && isLongPaging()) know(linear, access, gpa);
  return gpa;
}

function isKnown(linear: u64, access: u32): bool {
  if (access != knownAccess || (linear & ~PAGE_OFFSET) != knownLinear) return false;
  const control = (frame(VcpuFrame.Cr3) ^ knownCr3) | (frame(VcpuFrame.Cr4) ^ knownCr4) | (frame(VcpuFrame.Cr0) ^ knownCr0);
  return (control | (frame(VcpuFrame.Efer) ^ knownEfer)) == 0;
}

function know(linear: u64, access: u32, gpa: u64): void {
  knownAccess = access;
  knownLinear = linear & ~PAGE_OFFSET;
  knownCr3 = frame(VcpuFrame.Cr3);
  knownCr4 = frame(VcpuFrame.Cr4);
  knownCr0 = frame(VcpuFrame.Cr0);
  knownEfer = frame(VcpuFrame.Efer);
  knownPage = gpa & ~PAGE_OFFSET;
}
