// MSRs of a vCPU that are its partition's own affair, since none of them reaches the processor's: constants, IA32_MISC_ENABLE, memory types.

import { AccessStatus, MAXIMUM_VCPUS } from "../../interface";
import { openBus, setStatus } from "../status";
import { miscEnable, resetMiscEnable, writeMiscEnable } from "./misc-enable";
import { isMtrr, readMtrr, resetMtrrs, writeMtrr } from "./mtrr";

/** SDM 4 chapter 2. */
const enum Msr {
  IA32_P5_MC_ADDR = 0x000,
  IA32_P5_MC_TYPE = 0x001,
  IA32_PLATFORM_ID = 0x017,
  IA32_FEATURE_CONTROL = 0x03a,
  IA32_BIOS_SIGN_ID = 0x08b,
  MSR_PLATFORM_INFO = 0x0ce,
  MSR_MISC_FEATURES_ENABLES = 0x140,
  IA32_MCG_CAP = 0x179,
  IA32_MCG_STATUS = 0x17a,
  IA32_MISC_ENABLE = 0x1a0,
}

/** Locked with VMX and SGX off. */
const FEATURE_CONTROL: u64 = 1;
/** A microcode revision that no erratum check of a guest takes for an old one. */
const MICROCODE_REVISION: u64 = 0xffffffff00000000;

/** As after reset. */
export function resetPlatformMsrs(): void {
  for (let vcpu: u32 = 0; vcpu < MAXIMUM_VCPUS; vcpu++) {
    resetMiscEnable(vcpu);
    resetMtrrs(vcpu);
  }
}

export function readPlatformMsr(vcpu: u32, index: u32): u64 {
  setStatus(AccessStatus.Done);
  switch (index) {
    case Msr.IA32_MISC_ENABLE: return miscEnable(vcpu);
    case Msr.IA32_FEATURE_CONTROL: return FEATURE_CONTROL;
    case Msr.IA32_BIOS_SIGN_ID: return MICROCODE_REVISION;
    case Msr.IA32_P5_MC_ADDR:
    case Msr.IA32_P5_MC_TYPE:
    case Msr.IA32_PLATFORM_ID:
    case Msr.MSR_PLATFORM_INFO:
    case Msr.MSR_MISC_FEATURES_ENABLES:
    // No bank of machine checks, which guests ask for without a look at CPUID.
    case Msr.IA32_MCG_CAP:
    case Msr.IA32_MCG_STATUS: return 0;
    default: return isMtrr(index) ? readMtrr(vcpu, index) : openBus();
  }
}

export function writePlatformMsr(vcpu: u32, index: u32, value: u64): void {
  switch (index) {
    case Msr.IA32_MISC_ENABLE: return doneIf(writeMiscEnable(vcpu, value));
    // Writing 0 before CPUID asks for the revision to be read back, SDM 3A 10.11.7.1.
    case Msr.IA32_BIOS_SIGN_ID:
    case Msr.MSR_MISC_FEATURES_ENABLES:
    case Msr.IA32_MCG_STATUS: return doneIf(value == 0);
    case Msr.IA32_P5_MC_ADDR:
    case Msr.IA32_P5_MC_TYPE:
    case Msr.IA32_PLATFORM_ID:
    case Msr.MSR_PLATFORM_INFO:
    case Msr.IA32_MCG_CAP: return doneIf(false);
  }
  if (isMtrr(index)) doneIf(writeMtrr(vcpu, index, value));
  else openBus();
}

function doneIf(isValid: bool): void {
  setStatus(isValid ? AccessStatus.Done : AccessStatus.GeneralProtection);
}
