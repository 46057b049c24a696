// What a local APIC has besides its registers, one record a vCPU behind them in its page.

import { VirtualApicMode, VirtualApicPage } from "../../interface";
import { apicPage, Register, register } from "./virtual-apic-page";

/** IA32_APIC_BASE (SDM 3A 11.4.3). */
export const enum ApicBase {
  Bsp = 1 << 8,
  Extd = 1 << 10, // x2APIC mode
  Enable = 1 << 11,
}

/** Spurious-interrupt vector register (SDM 3A 11.9). */
export const SVR_ENABLE: u32 = 1 << 8;
export const SVR_SUPPRESS_EOI_BROADCAST: u32 = 1 << 12;

export const LVT_MASKED: u32 = 1 << 16;

// @ts-ignore: decorator
@unmanaged export class LocalApic {
  /** IA32_APIC_BASE. */
  base: u64;
  /** TSC at which the timer expires; NEVER when it is stopped. */
  timerExpiry: u64;
  /** Errors since the last write of the error status register. */
  errorsDetected: u32;
  /** VirtualApicMode that IA32_APIC_BASE and the processor allow. */
  mode: u32;
  /** An INIT reset a vCPU that may have been running: its registers are reset again on its own core. */
  isResetAgain: u32;
}

// @ts-ignore: decorator
@inline export function localApic(vcpu: u32): LocalApic {
  return changetype<LocalApic>(apicPage(vcpu) + <usize>VirtualApicPage.Private);
}

/** Not switched off by IA32_APIC_BASE. */
// @ts-ignore: decorator
@inline export function isGloballyEnabled(vcpu: u32): bool {
  return (localApic(vcpu).base & ApicBase.Enable) != 0;
}

/** Not switched off by IA32_APIC_BASE nor by the spurious-interrupt vector register. */
// @ts-ignore: decorator
@inline export function isEnabled(vcpu: u32): bool {
  return isGloballyEnabled(vcpu) && (register(vcpu, Register.Spurious) & SVR_ENABLE) != 0;
}

// @ts-ignore: decorator
@inline export function isExtended(vcpu: u32): bool {
  return (localApic(vcpu).base & ApicBase.Extd) != 0;
}

/** Whether the processor works on the registers while the guest runs. */
// @ts-ignore: decorator
@inline export function isVirtualised(vcpu: u32): bool {
  return localApic(vcpu).mode != VirtualApicMode.Software;
}
