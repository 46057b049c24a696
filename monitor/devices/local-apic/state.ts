// State of the local APICs, one record a vCPU (SDM 3A 11.4.1).

import { MAXIMUM_VCPUS } from "../../interface";

/** IA32_APIC_BASE (SDM 3A 11.4.3). */
export const enum ApicBase {
  Bsp = 1 << 8,
  Extd = 1 << 10, // x2APIC mode
  Enable = 1 << 11,
}

/** Spurious-interrupt vector register (SDM 3A 11.9). */
export const SVR_ENABLE: u32 = 1 << 8;
export const SVR_SUPPRESS_EOI_BROADCAST: u32 = 1 << 12;

/** Local vector table entries, in the order of their registers from 0x320. */
export const enum Lvt {
  Timer = 0,
  Thermal = 1,
  Performance = 2,
  Lint0 = 3,
  Lint1 = 4,
  Error = 5,
  Count = 6,
}

export const LVT_MASKED: u32 = 1 << 16;

// @ts-ignore: decorator
@unmanaged export class LocalApic {
  /** 256-bit maps; vector v is bit v % 64 of word v / 64. */
  irr0: u64; irr1: u64; irr2: u64; irr3: u64;
  isr0: u64; isr1: u64; isr2: u64; isr3: u64;
  tmr0: u64; tmr1: u64; tmr2: u64; tmr3: u64;
  /** IA32_APIC_BASE. */
  base: u64;
  /** TSC at which the timer expires; NEVER when it is stopped. */
  timerExpiry: u64;
  taskPriority: u32;
  /** PPR, kept up to date with TPR and ISR. */
  processorPriority: u32;
  spurious: u32;
  logicalDestination: u32;
  destinationFormat: u32;
  errorStatus: u32;
  /** Errors since the last write of the error status register. */
  errorsDetected: u32;
  commandLow: u32;
  commandHigh: u32;
  timerInitialCount: u32;
  timerDivide: u32;
  lvt0: u32; lvt1: u32; lvt2: u32; lvt3: u32; lvt4: u32; lvt5: u32;
}

const RECORD_SHIFT: u32 = 8;
const RECORDS = memory.data(2048, 16); // MAXIMUM_VCPUS records

// @ts-ignore: decorator
@inline export function localApic(vcpu: u32): LocalApic {
  return changetype<LocalApic>(RECORDS + ((vcpu & (MAXIMUM_VCPUS - 1)) << RECORD_SHIFT));
}

// @ts-ignore: decorator
@inline export function requests(apic: LocalApic): usize {
  return changetype<usize>(apic) + offsetof<LocalApic>("irr0");
}

// @ts-ignore: decorator
@inline export function inService(apic: LocalApic): usize {
  return changetype<usize>(apic) + offsetof<LocalApic>("isr0");
}

// @ts-ignore: decorator
@inline export function triggerModes(apic: LocalApic): usize {
  return changetype<usize>(apic) + offsetof<LocalApic>("tmr0");
}

// @ts-ignore: decorator
@inline export function lvtEntry(apic: LocalApic, entry: u32): u32 {
  return load<u32>(changetype<usize>(apic) + (entry << 2), offsetof<LocalApic>("lvt0"));
}

// @ts-ignore: decorator
@inline export function setLvtEntry(apic: LocalApic, entry: u32, value: u32): void {
  store<u32>(changetype<usize>(apic) + (entry << 2), value, offsetof<LocalApic>("lvt0"));
}

/** Not switched off by IA32_APIC_BASE. */
// @ts-ignore: decorator
@inline export function isGloballyEnabled(apic: LocalApic): bool {
  return (apic.base & ApicBase.Enable) != 0;
}

/** Not switched off by IA32_APIC_BASE nor by the spurious-interrupt vector register. */
// @ts-ignore: decorator
@inline export function isEnabled(apic: LocalApic): bool {
  return isGloballyEnabled(apic) && (apic.spurious & SVR_ENABLE) != 0;
}

// @ts-ignore: decorator
@inline export function isExtended(apic: LocalApic): bool {
  return (apic.base & ApicBase.Extd) != 0;
}
