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

/** MSRs that VM entry switches or that only this core's one vCPU uses. */
const OWN_MSRS: usize = memory.data<u32>([
  Msr.IA32_SYSENTER_CS, Msr.IA32_SYSENTER_ESP, Msr.IA32_SYSENTER_EIP, Msr.IA32_PAT, Msr.IA32_EFER, Msr.IA32_STAR, Msr.IA32_LSTAR, Msr.IA32_CSTAR, Msr.IA32_FMASK,
  Msr.IA32_FS_BASE, Msr.IA32_GS_BASE, Msr.IA32_KERNEL_GS_BASE,
]);
const OWN_MSR_COUNT: usize = 12;

// x2APIC registers, SDM 3A table 11-6. Read: ID, version, TPR, PPR, LDR, SVR, ESR, divide configuration, and the ranges ISR to IRR and LVT timer to initial count.
const X2APIC_READ: usize = memory.data<u32>([0x802, 0x803, 0x808, 0x80a, 0x80d, 0x80f, 0x828, 0x83e]);
const X2APIC_READ_COUNT: usize = 8;
const X2APIC_ISR_FIRST: u32 = 0x810;
const X2APIC_IRR_LAST: u32 = 0x827;
const X2APIC_LVT_TIMER: u32 = 0x832;
const X2APIC_INITIAL_COUNT: u32 = 0x838;
/** Written: TPR, EOI and SELF IPI. */
const X2APIC_WRITE: usize = memory.data<u32>([0x808, 0x80b, 0x83f]);
const X2APIC_WRITE_COUNT: usize = 3;

/** Denies all ports. */
export function denyAllPorts(bitmaps: u64): void {
  fillOnes(bitmaps, <u64>IO_BITMAP_PAGES * 4096);
}

/** Lets the guest use `count` ports from `first` on, SDM 3C 25.6.4; those beyond 0xffff do not exist. */
export function grantPorts(bitmaps: u64, first: u32, count: u32): void {
  for (let port = first; port < first + count && port <= 0xffff; port++) clearBit(bitmaps, port);
}

/** Denies all MSRs, then grants those that are the vCPU's own. */
export function initialiseMsrBitmap(bitmap: u64): void {
  fillOnes(bitmap, 4096);
  grantRead(bitmap, Msr.IA32_TIME_STAMP_COUNTER);
  for (let i: usize = 0; i < OWN_MSR_COUNT; i++) grant(bitmap, load<u32>(OWN_MSRS + (i << 2)));
}

/** With ENABLE_RDTSCP the guest has RDTSCP and so IA32_TSC_AUX. */
export function grantTscAux(bitmap: u64): void {
  grant(bitmap, Msr.IA32_TSC_AUX);
}

/**
 * What a virtualised x2APIC carries out without the monitor (SDM 3C 30.5): reads of registers that the page has as the guest
 * is to see them, which the timer's current count, EOI, ICR and SELF IPI are not; writes of TPR, EOI and SELF IPI.
 */
export function grantX2ApicRegisters(bitmap: u64): void {
  for (let index: u32 = X2APIC_ISR_FIRST; index <= X2APIC_IRR_LAST; index++) grantRead(bitmap, index);
  for (let index: u32 = X2APIC_LVT_TIMER; index <= X2APIC_INITIAL_COUNT; index++) grantRead(bitmap, index);
  for (let i: usize = 0; i < X2APIC_READ_COUNT; i++) grantRead(bitmap, load<u32>(X2APIC_READ + (i << 2)));
  for (let i: usize = 0; i < X2APIC_WRITE_COUNT; i++) grantWrite(bitmap, load<u32>(X2APIC_WRITE + (i << 2)));
}

function grant(bitmap: u64, index: u32): void {
  grantRead(bitmap, index);
  grantWrite(bitmap, index);
}

function grantRead(bitmap: u64, index: u32): void {
  clearBit(bitmap + (index >= HIGH_FIRST ? READ_HIGH : READ_LOW), index & 0x1fff);
}

function grantWrite(bitmap: u64, index: u32): void {
  grantRead(bitmap + WRITE_OFFSET, index);
}

function clearBit(base: u64, bit: u32): void {
  const address = base + (bit >> 3);
  store8(address, load8(address) & ~(<u8>1 << <u8>(bit & 7)));
}

function fillOnes(base: u64, length: u64): void {
  for (let offset: u64 = 0; offset < length; offset += 8) store64(base + offset, u64.MAX_VALUE);
}
