// The page that holds the local APIC of each vCPU: its registers where the architecture has them (SDM 3A 11.4.1), so that the
// processor itself can work on them (SDM 3C 30.1), and from offset 0x400 on what only the monitor needs (state.ts).

import { MAXIMUM_VCPUS, VIRTUAL_APIC_BASE } from "../../interface";

/** Offset in the page; in x2APIC mode the register is MSR 0x800 + offset / 16. */
export const enum Register {
  Identifier = 0x020,
  Version = 0x030,
  TaskPriority = 0x080,
  ArbitrationPriority = 0x090,
  ProcessorPriority = 0x0a0,
  EndOfInterrupt = 0x0b0,
  RemoteRead = 0x0c0,
  LogicalDestination = 0x0d0,
  DestinationFormat = 0x0e0,
  Spurious = 0x0f0,
  InService = 0x100, // to 0x170
  TriggerMode = 0x180, // to 0x1f0
  Request = 0x200, // to 0x270
  ErrorStatus = 0x280,
  CommandLow = 0x300,
  CommandHigh = 0x310,
  LvtTimer = 0x320,
  LvtThermal = 0x330,
  LvtPerformance = 0x340,
  LvtLint0 = 0x350,
  LvtLint1 = 0x360,
  LvtError = 0x370,
  InitialCount = 0x380,
  CurrentCount = 0x390,
  DivideConfiguration = 0x3e0,
  SelfIpi = 0x3f0, // x2APIC only
}

/** Copies of the registers whose value from before a write matters, as the processor may have written over it. */
const KEPT: u32 = 0x800;

const PAGE_SHIFT: u32 = 12;

// @ts-ignore: decorator
@inline export function apicPage(vcpu: u32): usize {
  return VIRTUAL_APIC_BASE + ((vcpu & (MAXIMUM_VCPUS - 1)) << PAGE_SHIFT);
}

// @ts-ignore: decorator
@inline export function register(vcpu: u32, offset: u32): u32 {
  return load<u32>(apicPage(vcpu) + offset);
}

// @ts-ignore: decorator
@inline export function setRegister(vcpu: u32, offset: u32, value: u32): void {
  store<u32>(apicPage(vcpu) + offset, value);
}

/** Sets a register of which a copy is kept. */
export function setKeptRegister(vcpu: u32, offset: u32, value: u32): void {
  setRegister(vcpu, offset, value);
  store<u32>(apicPage(vcpu) + KEPT + offset, value);
}

/** Takes back what the processor wrote into a register that setKeptRegister() sets. */
export function restoreKeptRegister(vcpu: u32, offset: u32): void {
  setRegister(vcpu, offset, load<u32>(apicPage(vcpu) + KEPT + offset));
}

/** ISR, TMR, IRR or VirtualApicPage.Posted, for vector-map.ts. */
// @ts-ignore: decorator
@inline export function vectorMap(vcpu: u32, map: u32): usize {
  return apicPage(vcpu) + map;
}
