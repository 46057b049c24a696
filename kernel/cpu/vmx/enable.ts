// From a bare core to VMX root operation, SDM 3C 24.7.

import { Cr0, Cr4 } from "../control-register";
import { Msr } from "../msr-index";
import { rdmsr, readCr0, readCr4, wrmsr, writeCr0, writeCr4 } from "../processor";
import { vmxon } from "./instructions";

const FEATURE_CONTROL_LOCK: u64 = 1 << 0;
const FEATURE_CONTROL_VMX_OUTSIDE_SMX: u64 = 1 << 2;

export const enum EnableStatus {
  Done,
  /** Firmware locked IA32_FEATURE_CONTROL without bit 2: VMX must be switched on in the firmware's set-up. */
  DisabledByFirmware,
  /** VMXON failed. */
  VmxonFailed,
}

/** Locks IA32_FEATURE_CONTROL with VMX allowed where firmware left it open (SDM 3C 24.7). */
export function unlockFeatureControl(): EnableStatus {
  const value = rdmsr(Msr.IA32_FEATURE_CONTROL);
  if (!(value & FEATURE_CONTROL_LOCK)) {
    wrmsr(Msr.IA32_FEATURE_CONTROL, value | FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMX_OUTSIDE_SMX);
    return EnableStatus.Done;
  }
  return value & FEATURE_CONTROL_VMX_OUTSIDE_SMX ? EnableStatus.Done : EnableStatus.DisabledByFirmware;
}

/**
 * Sets the fixed bits of CR0 and CR4, those of CR4 that guests and the kernel profit from, and executes VMXON.
 * @param region a frame that initialiseRegion() marked and this core keeps
 */
export function enterVmxOperation(region: u64): EnableStatus {
  const status = unlockFeatureControl();
  if (status != EnableStatus.Done) return status;
  const cr0Fixed0 = rdmsr(Msr.IA32_VMX_CR0_FIXED0);
  const cr4Fixed0 = rdmsr(Msr.IA32_VMX_CR4_FIXED0);
  writeCr0((readCr0() | cr0Fixed0 | Cr0.NE) & rdmsr(Msr.IA32_VMX_CR0_FIXED1));
  writeCr4((readCr4() | cr4Fixed0 | Cr4.VMXE | Cr4.OSFXSR | Cr4.OSXSAVE | Cr4.SMEP | Cr4.SMAP) & rdmsr(Msr.IA32_VMX_CR4_FIXED1));
  return vmxon(region) == 0 ? EnableStatus.Done : EnableStatus.VmxonFailed;
}
