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

/** x2APIC registers, SDM 3A table 11-6. */
namespace X2Apic {
  export const ID: u32 = 0x802;
  export const VERSION: u32 = 0x803;
  export const TPR: u32 = 0x808;
  export const PPR: u32 = 0x80a;
  export const EOI: u32 = 0x80b;
  export const LDR: u32 = 0x80d;
  export const SVR: u32 = 0x80f;
  export const ISR_FIRST: u32 = 0x810;
  export const IRR_LAST: u32 = 0x827;
  export const ESR: u32 = 0x828;
  export const LVT_TIMER: u32 = 0x832;
  export const INITIAL_COUNT: u32 = 0x838;
  export const DIVIDE: u32 = 0x83e;
  export const SELF_IPI: u32 = 0x83f;
}

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

/**
 * What a virtualised x2APIC carries out without the monitor (SDM 3C 30.5): reads of registers that the page has as the guest
 * is to see them, which the timer's current count, EOI, ICR and SELF IPI are not; writes of TPR, EOI and SELF IPI.
 */
export function grantX2ApicRegisters(bitmap: u64): void {
  for (let index: u32 = X2Apic.ISR_FIRST; index <= X2Apic.IRR_LAST; index++) grant(bitmap, index, false);
  for (let index: u32 = X2Apic.LVT_TIMER; index <= X2Apic.INITIAL_COUNT; index++) grant(bitmap, index, false);
  grant(bitmap, X2Apic.ID, false);
  grant(bitmap, X2Apic.VERSION, false);
  grant(bitmap, X2Apic.PPR, false);
  grant(bitmap, X2Apic.LDR, false);
  grant(bitmap, X2Apic.SVR, false);
  grant(bitmap, X2Apic.ESR, false);
  grant(bitmap, X2Apic.DIVIDE, false);
  grant(bitmap, X2Apic.TPR, true);
  grantWrite(bitmap, X2Apic.EOI);
  grantWrite(bitmap, X2Apic.SELF_IPI);
}

function grantWrite(bitmap: u64, index: u32): void {
  clearBit(bitmap + READ_LOW + WRITE_OFFSET, index);
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
