// The local APIC: x2APIC where there is one, else the xAPIC page (SDM 3A 10).

import { readMemory32, readMsr, writeMemory32, writeMsr } from "./attempt";
import { cpuidRegister, CpuidRegister } from "./processor";

const enum Msr {
  ApicBase = 0x1b,
  X2apicBase = 0x800, // register n of the xAPIC page is MSR 0x800 + n / 16
}

/** Offsets in the xAPIC page. */
export const enum ApicRegister {
  EndOfInterrupt = 0x0b0,
  SpuriousVector = 0x0f0,
  TimerEntry = 0x320,
  InitialCount = 0x380,
  CurrentCount = 0x390,
  DivideConfiguration = 0x3e0,
}

const XAPIC_PAGE: u64 = 0xfee00000;
const APIC_BASE_X2APIC_ENABLE: u64 = 1 << 10;
const APIC_BASE_ENABLE: u64 = 1 << 11;
const SOFTWARE_ENABLE: u32 = 1 << 8;
const SPURIOUS_VECTOR: u32 = 0xff;
const CPUID_1_ECX_X2APIC: u32 = 1 << 21;

const scratch: usize = memory.data(8, 8);
let isX2apic: bool = false;

/** Enables the local APIC in the best mode that the processor has. */
export function enableLocalApic(): void {
  isX2apic = (cpuidRegister(1, CpuidRegister.Ecx) & CPUID_1_ECX_X2APIC) != 0;
  if (isX2apic) {
    readMsr(Msr.ApicBase, scratch);
    writeMsr(Msr.ApicBase, load<u64>(scratch) | APIC_BASE_ENABLE | APIC_BASE_X2APIC_ENABLE);
  }
  writeApic(ApicRegister.SpuriousVector, SOFTWARE_ENABLE | SPURIOUS_VECTOR);
}

export function usesX2apic(): bool {
  return isX2apic;
}

export function endOfInterrupt(): void {
  writeApic(ApicRegister.EndOfInterrupt, 0);
}

export function readApic(register: ApicRegister): u32 {
  if (isX2apic) readMsr(Msr.X2apicBase + (register >> 4), scratch);
  else readMemory32(XAPIC_PAGE + <u64>register, scratch);
  return load<u32>(scratch);
}

export function writeApic(register: ApicRegister, value: u32): void {
  if (isX2apic) writeMsr(Msr.X2apicBase + (register >> 4), <u64>value);
  else writeMemory32(XAPIC_PAGE + <u64>register, value);
}
