// The local APIC's register page, in xAPIC mode, and interrupts that it ends (SDM 3A 11.4.1).

import { readMemory32, writeMemory32, writeMsr } from "../runtime/attempt";
import { takeInterrupts, waitForInterrupt } from "../runtime/processor";

/** Offsets in the page. */
export const enum Page {
  Identifier = 0x020,
  Version = 0x030,
  TaskPriority = 0x080,
  EndOfInterrupt = 0x0b0,
  Spurious = 0x0f0,
  TriggerMode = 0x180,
  Request = 0x200,
  ErrorStatus = 0x280,
  CommandLow = 0x300,
  CommandHigh = 0x310,
  LvtTimer = 0x320,
  LvtLint0 = 0x350,
  LvtError = 0x370,
  InitialCount = 0x380,
  CurrentCount = 0x390,
  Divide = 0x3e0,
}

export const APIC_PAGE: u64 = 0xfee00000;
export const MSR_APIC_BASE: u32 = 0x1b;
export const BASE_BSP: u64 = 1 << 8;
export const BASE_EXTENDED: u64 = 1 << 10;
export const BASE_ENABLED: u64 = 1 << 11;
export const MASKED: u32 = 1 << 16;
export const SELF: u32 = 1 << 18;
const EXTINT: u32 = 7 << 8;
const SOFTWARE_ENABLED: u32 = 0x1ff;

const scratch: usize = memory.data(8, 8);

export function readPage(register: u32): u32 {
  readMemory32(APIC_PAGE + <u64>register, scratch);
  return load<u32>(scratch);
}

export function writePage(register: u32, value: u32): void {
  writeMemory32(APIC_PAGE + <u64>register, value);
}

/** Through "disabled", which resets the registers; then enabled, with the PIC on LINT0. */
export function useXapic(): void {
  writeMsr(MSR_APIC_BASE, APIC_PAGE | BASE_BSP);
  writeMsr(MSR_APIC_BASE, APIC_PAGE | BASE_BSP | BASE_ENABLED);
  writePage(Page.Spurious, SOFTWARE_ENABLED);
  writePage(Page.LvtLint0, EXTINT);
}

/** Bit of `vector` in IRR or TMR. */
export function hasVector(map: Page, vector: u32): bool {
  return ((readPage(map + ((vector >> 5) << 4)) >> (vector & 31)) & 1) != 0;
}

/** Sleeps until `vector` has come and ends it. */
export function awaitVector(vector: u32): void {
  while (takeInterrupts(vector) == 0) waitForInterrupt();
  writePage(Page.EndOfInterrupt, 0);
}
