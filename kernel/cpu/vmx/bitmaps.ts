// MSR and I/O bitmaps: all ones, so that everything exits, but for the MSRs that belong to the vCPU alone.

import { load8, store64, store8 } from "../../memory/physical";
import { Msr } from "../msr-index";

export const MSR_BITMAP_PAGES: u32 = 1;
export const IO_BITMAP_PAGES: u32 = 2;

// Parts of the MSR bitmap, SDM 3C 25.6.9.
const READ_LOW: u64 = 0x000;
const READ_HIGH: u64 = 0x400;
const WRITE_OFFSET: u64 = 0x800;
const HIGH_FIRST: u32 = 0xc0000000;

/** Denies all ports. */
export function denyAllPorts(bitmaps: u64): void {
  fillOnes(bitmaps, <u64>IO_BITMAP_PAGES * 4096);
}

/** Lets the guest use `count` ports from `first` on, SDM 3C 25.6.4; those beyond 0xffff do not exist. */
export function grantPorts(bitmaps: u64, first: u32, count: u32): void {
  for (let port = first; port < first + count && port <= 0xffff; port++) clearBit(bitmaps, port);
}

/** Denies all MSRs, then grants those that VM entry switches or that only this core's one vCPU uses. */
export function initialiseMsrBitmap(bitmap: u64): void {
  fillOnes(bitmap, 4096);
  grant(bitmap, Msr.IA32_TIME_STAMP_COUNTER, false);
  grant(bitmap, Msr.IA32_SYSENTER_CS, true);
  grant(bitmap, Msr.IA32_SYSENTER_ESP, true);
  grant(bitmap, Msr.IA32_SYSENTER_EIP, true);
  grant(bitmap, Msr.IA32_PAT, true);
  grant(bitmap, Msr.IA32_EFER, true);
  grant(bitmap, Msr.IA32_STAR, true);
  grant(bitmap, Msr.IA32_LSTAR, true);
  grant(bitmap, Msr.IA32_CSTAR, true);
  grant(bitmap, Msr.IA32_FMASK, true);
  grant(bitmap, Msr.IA32_FS_BASE, true);
  grant(bitmap, Msr.IA32_GS_BASE, true);
  grant(bitmap, Msr.IA32_KERNEL_GS_BASE, true);
}

/** With ENABLE_RDTSCP the guest has RDTSCP and so IA32_TSC_AUX. */
export function grantTscAux(bitmap: u64): void {
  grant(bitmap, Msr.IA32_TSC_AUX, true);
}

function grant(bitmap: u64, index: u32, writable: bool): void {
  const read = index >= HIGH_FIRST ? READ_HIGH : READ_LOW;
  clearBit(bitmap + read, index & 0x1fff);
  if (writable) clearBit(bitmap + read + WRITE_OFFSET, index & 0x1fff);
}

function clearBit(base: u64, bit: u32): void {
  const address = base + (bit >> 3);
  store8(address, load8(address) & ~(<u8>1 << <u8>(bit & 7)));
}

function fillOnes(base: u64, length: u64): void {
  for (let offset: u64 = 0; offset < length; offset += 8) store64(base + offset, u64.MAX_VALUE);
}
