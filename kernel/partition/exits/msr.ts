// RDMSR and WRMSR that the MSR bitmap does not let through: the virtual local APIC, a few constants, else a violation.

import { AccessStatus, Device, Mailbox, VcpuMailbox } from "../../../monitor/interface";
import { advance, injectGeneralProtection } from "../../cpu/backend";
import { Msr } from "../../cpu/msr-index";
import { Register, readRegister, writeRegister } from "../../cpu/registers";
import { HealthAction } from "../../policy/layout";
import { onMsrViolation } from "../../policy/reader";
import { auditMsr } from "../audit";
import { currentPartition, hasDevice } from "../current";
import { StopReason, applyHealthAction } from "../lifecycle";
import { lastStatus } from "../access-status";
import { miscEnable } from "../misc-enable";
import { msrRead, msrWrite, peek64 } from "../monitor";
import { settleMonitorCall } from "../monitor-call";

/** Locked with VMX and SGX off. */
const FEATURE_CONTROL: u64 = 1;
/** A microcode revision that no erratum check of a guest takes for an old one. */
const MICROCODE_REVISION: u64 = 0xffffffff00000000;
const LOW_HALF: u64 = 0xffffffff;

export function onMsrRead(): void {
  const index = <u32>readRegister(Register.RCX);
  if (index == Msr.IA32_APIC_BASE && hasDevice(Device.LocalApic)) return finishRead(peek64(Mailbox.Vcpus + VcpuMailbox.ApicBase));
  if (isLocalApic(index)) {
    const value = msrRead(0, index);
    settleMonitorCall();
    if (lastStatus() == AccessStatus.Done) return finishRead(value);
    return injectGeneralProtection();
  }
  switch (index) {
    case Msr.IA32_MISC_ENABLE: return finishRead(miscEnable());
    case Msr.IA32_FEATURE_CONTROL: return finishRead(FEATURE_CONTROL);
    case Msr.IA32_BIOS_SIGN_ID: return finishRead(MICROCODE_REVISION);
    case Msr.IA32_PLATFORM_ID:
    case Msr.MSR_PLATFORM_INFO:
    case Msr.MSR_MISC_FEATURES_ENABLES:
    case Msr.IA32_DEBUGCTL: return finishRead(0);
    default: return onReadViolation(index);
  }
}

export function onMsrWrite(): void {
  const index = <u32>readRegister(Register.RCX);
  const value = (readRegister(Register.RDX) << 32) | (readRegister(Register.RAX) & LOW_HALF);
  if (isLocalApic(index)) {
    msrWrite(0, index, value);
    settleMonitorCall();
    if (lastStatus() == AccessStatus.Done) return advance();
    return injectGeneralProtection();
  }
  switch (index) {
    case Msr.IA32_MISC_ENABLE: return finishWrite(value == miscEnable());
    // Writing 0 before CPUID asks for the revision to be read back, SDM 3A 10.11.7.1.
    case Msr.IA32_BIOS_SIGN_ID:
    case Msr.MSR_MISC_FEATURES_ENABLES:
    case Msr.IA32_DEBUGCTL: return finishWrite(value == 0);
    default: return onWriteViolation(index);
  }
}

// @ts-ignore: decorator
@inline
function isLocalApic(index: u32): bool {
  if (index != Msr.IA32_APIC_BASE && index != Msr.IA32_TSC_DEADLINE && (index < <u32>Msr.X2APIC_FIRST || index > <u32>Msr.X2APIC_LAST)) return false;
  return hasDevice(Device.LocalApic);
}

// @ts-ignore: decorator
@inline
function finishRead(value: u64): void {
  writeRegister(Register.RAX, value & LOW_HALF);
  writeRegister(Register.RDX, value >> 32);
  advance();
}

function finishWrite(isValid: bool): void {
  if (isValid) advance();
  else injectGeneralProtection();
}

function onReadViolation(index: u32): void {
  auditMsr(index, true);
  if (onMsrViolation(currentPartition()) == HealthAction.Ignore) return finishRead(u64.MAX_VALUE);
  actOnViolation();
}

function onWriteViolation(index: u32): void {
  auditMsr(index, false);
  if (onMsrViolation(currentPartition()) == HealthAction.Ignore) return advance();
  actOnViolation();
}

function actOnViolation(): void {
  const action = onMsrViolation(currentPartition());
  if (action == HealthAction.InjectFault) injectGeneralProtection();
  else applyHealthAction(action, StopReason.Violation);
}
