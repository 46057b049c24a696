// RDMSR and WRMSR that the MSR bitmap does not let through: the virtual local APIC, what the kernel keeps itself, else a violation.

import { AccessStatus, Device, VcpuMailbox } from "../../../monitor/interface";
import { advance, injectGeneralProtection } from "../../cpu/backend";
import { Msr } from "../../cpu/msr-index";
import { Register, readRegister, writeRegister } from "../../cpu/registers";
import { HealthAction } from "../../policy/layout";
import { onMsrViolation } from "../../policy/reader";
import { auditMsr } from "../audit";
import { currentPartition, currentVcpu, hasDevice, vcpuRecord } from "../current";
import { StopReason, applyHealthAction } from "../lifecycle";
import { lastStatus } from "../access-status";
import { msrRead, msrWrite, peek64 } from "../monitor";
import { enterMonitor } from "../monitor-lock";
import { settleMonitorCall } from "../monitor-call";
import { MsrAnswer, msrAnswer, readVirtualMsr, writeVirtualMsr } from "../virtual-msrs";
import { guestDeadline, hostDeadline } from "../virtual-tsc";

const LOW_HALF: u64 = 0xffffffff;

export function onMsrRead(): void {
  const index = <u32>readRegister(Register.RCX);
  if (index == Msr.IA32_APIC_BASE && hasDevice(Device.LocalApic)) return finishRead(peek64(vcpuRecord() + VcpuMailbox.ApicBase));
  if (isLocalApic(index)) return readLocalApic(index);
  if (readVirtualMsr(index) == MsrAnswer.Done) return finishRead(msrAnswer());
  onReadViolation(index);
}

export function onMsrWrite(): void {
  const index = <u32>readRegister(Register.RCX);
  const value = (readRegister(Register.RDX) << 32) | (readRegister(Register.RAX) & LOW_HALF);
  if (isLocalApic(index)) return writeLocalApic(index, value);
  const status = writeVirtualMsr(index, value);
  if (status == MsrAnswer.Unknown) return onWriteViolation(index);
  if (status == MsrAnswer.Done) advance();
  else injectGeneralProtection();
}

function readLocalApic(index: u32): void {
  if (!enterMonitor()) return;
  const value = msrRead(currentVcpu(), index);
  settleMonitorCall();
  if (lastStatus() != AccessStatus.Done) return injectGeneralProtection();
  finishRead(index == Msr.IA32_TSC_DEADLINE ? guestDeadline(value) : value);
}

function writeLocalApic(index: u32, value: u64): void {
  if (!enterMonitor()) return;
  msrWrite(currentVcpu(), index, index == Msr.IA32_TSC_DEADLINE ? hostDeadline(value) : value);
  settleMonitorCall();
  if (lastStatus() == AccessStatus.Done) advance();
  else injectGeneralProtection();
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
