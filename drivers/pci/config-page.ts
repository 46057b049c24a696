// Configuration space of one function, named by a `page` (u64): the physical address of its 4 KiB in the ECAM (PCIe 5.0
// 7.2.2), or with bit 0 set the value of CONFIG_ADDRESS for mechanism 1 (PCI 3.0 3.2.2.3.2). It needs no table, so that a
// core which maps nothing but this page can use it.

import { load8, load16, load32, store8, store16, store32 } from "../../kernel/memory/physical";
import { in8, in16, in32, out8, out16, out32 } from "../port";

/** A function that nothing reaches: reads give all ones, writes are lost. */
export const NO_PAGE: u64 = 0;

const MECHANISM_1: u64 = 1 << 0;
const ENABLE: u32 = 0x80000000;
const CONFIG_ADDRESS: u16 = 0xcf8;
const CONFIG_DATA: u16 = 0xcfc;

/** Bytes of configuration space. */
const EXTENDED_SIZE: u32 = 4096;
const CONVENTIONAL_SIZE: u32 = 256;

/** The page of a function of segment 0 through ports 0xcf8 and 0xcfc, which all cores share: for one core at a time. */
export function mechanism1Page(sourceId: u32): u64 {
  return <u64>(ENABLE | (sourceId << 8)) | MECHANISM_1;
}

/** Whether offsets from 256 on can be reached. */
export function isExtendedPage(page: u64): bool {
  return page != NO_PAGE && (page & MECHANISM_1) == 0;
}

function isReachable(page: u64, offset: u32): bool {
  return page != NO_PAGE && offset < (isExtendedPage(page) ? EXTENDED_SIZE : CONVENTIONAL_SIZE);
}

/** Selects the u32 that holds `offset`; the port where the byte at `offset` appears. */
function select(page: u64, offset: u32): u16 {
  out32(CONFIG_ADDRESS, <u32>(page & ~MECHANISM_1) | (offset & 0xfc));
  return CONFIG_DATA + <u16>(offset & 3);
}

export function pageRead8(page: u64, offset: u32): u32 {
  if (!isReachable(page, offset)) return 0xff;
  return isExtendedPage(page) ? load8(page + offset) : in8(select(page, offset));
}

/** `offset` is even. */
export function pageRead16(page: u64, offset: u32): u32 {
  if (!isReachable(page, offset)) return 0xffff;
  return isExtendedPage(page) ? load16(page + offset) : in16(select(page, offset));
}

/** `offset` is a multiple of 4. */
export function pageRead32(page: u64, offset: u32): u32 {
  if (!isReachable(page, offset)) return 0xffffffff;
  return isExtendedPage(page) ? load32(page + offset) : in32(select(page, offset));
}

export function pageWrite8(page: u64, offset: u32, value: u32): void {
  if (!isReachable(page, offset)) return;
  if (isExtendedPage(page)) store8(page + offset, <u8>value);
  else out8(select(page, offset), <u8>value);
}

/** `offset` is even. */
export function pageWrite16(page: u64, offset: u32, value: u32): void {
  if (!isReachable(page, offset)) return;
  if (isExtendedPage(page)) store16(page + offset, <u16>value);
  else out16(select(page, offset), <u16>value);
}

/** `offset` is a multiple of 4. */
export function pageWrite32(page: u64, offset: u32, value: u32): void {
  if (!isReachable(page, offset)) return;
  if (isExtendedPage(page)) store32(page + offset, value);
  else out32(select(page, offset), value);
}

/** Clears the bits of `clear`, then sets those of `set`, in a u16 register. */
export function pageChange16(page: u64, offset: u32, clear: u32, set: u32): void {
  pageWrite16(page, offset, (pageRead16(page, offset) & ~clear) | set);
}
