// MSRs of the vCPU that the kernel keeps itself: constants, memory types, the time-stamp counter, debug control.

import { DEBUGCTL_BTF, debugControl, setDebugControl } from "../cpu/backend";
import { Msr } from "../cpu/msr-index";
import { miscEnable, readMiscEnable, writeMiscEnable } from "./misc-enable";
import { isMtrr, readMtrr, resetMtrrs, writeMtrr } from "./mtrr";
import { resetTsc, tscAdjustment, writeTsc, writeTscAdjustment } from "./virtual-tsc";

/** Locked with VMX and SGX off. */
const FEATURE_CONTROL: u64 = 1;
/** A microcode revision that no erratum check of a guest takes for an old one. */
const MICROCODE_REVISION: u64 = 0xffffffff00000000;

export const enum MsrAnswer { Done = 0, GeneralProtection = 1, Unknown = 2 }

let answer: u64 = 0;

/** As after reset; to be called before the guest starts. */
export function resetVirtualMsrs(): void {
  readMiscEnable();
  resetMtrrs();
  resetTsc();
}

/** What readVirtualMsr() found. */
export function msrAnswer(): u64 { return answer; }

export function readVirtualMsr(index: u32): MsrAnswer {
  answer = 0;
  switch (index) {
    case Msr.IA32_TSC_ADJUST: answer = tscAdjustment(); break;
    case Msr.IA32_MISC_ENABLE: answer = miscEnable(); break;
    case Msr.IA32_FEATURE_CONTROL: answer = FEATURE_CONTROL; break;
    case Msr.IA32_BIOS_SIGN_ID: answer = MICROCODE_REVISION; break;
    case Msr.IA32_DEBUGCTL: answer = debugControl(); break;
    case Msr.IA32_P5_MC_ADDR:
    case Msr.IA32_P5_MC_TYPE:
    case Msr.IA32_PLATFORM_ID:
    case Msr.MSR_PLATFORM_INFO:
    case Msr.MSR_MISC_FEATURES_ENABLES:
    // No bank of machine checks, which guests ask for without a look at CPUID.
    case Msr.IA32_MCG_CAP:
    case Msr.IA32_MCG_STATUS: break;
    default: {
      if (!isMtrr(index)) return MsrAnswer.Unknown;
      answer = readMtrr(index);
    }
  }
  return MsrAnswer.Done;
}

export function writeVirtualMsr(index: u32, value: u64): MsrAnswer {
  switch (index) {
    case Msr.IA32_TIME_STAMP_COUNTER: {
      writeTsc(value);
      return MsrAnswer.Done;
    }
    case Msr.IA32_TSC_ADJUST: {
      writeTscAdjustment(value);
      return MsrAnswer.Done;
    }
    case Msr.IA32_MISC_ENABLE: return doneIf(writeMiscEnable(value));
    case Msr.IA32_DEBUGCTL: return doneIf(writeDebugControl(value));
    // Writing 0 before CPUID asks for the revision to be read back, SDM 3A 10.11.7.1.
    case Msr.IA32_BIOS_SIGN_ID:
    case Msr.MSR_MISC_FEATURES_ENABLES:
    case Msr.IA32_MCG_STATUS: return doneIf(value == 0);
    case Msr.IA32_P5_MC_ADDR:
    case Msr.IA32_P5_MC_TYPE:
    case Msr.IA32_PLATFORM_ID:
    case Msr.MSR_PLATFORM_INFO:
    case Msr.IA32_MCG_CAP: return MsrAnswer.GeneralProtection;
    default: return isMtrr(index) ? doneIf(writeMtrr(index, value)) : MsrAnswer.Unknown;
  }
}

function doneIf(isValid: bool): MsrAnswer {
  return isValid ? MsrAnswer.Done : MsrAnswer.GeneralProtection;
}

/** Branch records and traces are not offered, single steps by branches are. */
function writeDebugControl(value: u64): bool {
  if (value & ~DEBUGCTL_BTF) return false;
  setDebugControl(value);
  return true;
}
