// RDMSR and WRMSR that the MSR bitmap does not let through: what the kernel keeps in the VMCS, else the monitor, else a violation.

import { AccessStatus, Device, VcpuMailbox } from "../../../monitor/interface";
import { DEBUGCTL_BTF, advance, debugControl, injectGeneralProtection, setDebugControl } from "../../cpu/backend";
import { Msr } from "../../cpu/msr-index";
import { Register, readRegister, writeRegister } from "../../cpu/registers";
import { HealthAction } from "../../policy/layout";
import { onMsrViolation } from "../../policy/reader";
import { auditMsr } from "../audit";
import { currentPartition, currentVcpu, hasDevice, vcpuRecord } from "../current";
import { StopReason, applyHealthAction } from "../intent";
import { lastStatus } from "../access-status";
import { msrRead, msrWrite, peek64 } from "../monitor";
import { enterMonitor } from "../monitor-lock";
import { settleMonitorCall } from "../monitor-call";
import { guestDeadline, hostDeadline, tscAdjustment, writeTsc, writeTscAdjustment } from "../virtual-tsc";

const LOW_HALF: u64 = 0xffffffff;

export function onMsrRead(): void {
  const index = <u32>readRegister(Register.RCX);
  if (index == Msr.IA32_APIC_BASE && hasDevice(Device.LocalApic)) return finishRead(peek64(vcpuRecord() + VcpuMailbox.ApicBase));
  if (index == Msr.IA32_TSC_ADJUST) return finishRead(tscAdjustment());
  if (index == Msr.IA32_DEBUGCTL) return finishRead(debugControl());
  if (!enterMonitor()) return;
  const value = msrRead(currentVcpu(), index);
  settleMonitorCall();
  if (lastStatus() == AccessStatus.OpenBus) return onReadViolation(index);
  if (lastStatus() != AccessStatus.Done) return injectGeneralProtection();
  finishRead(index == Msr.IA32_TSC_DEADLINE ? guestDeadline(value) : value);
}

export function onMsrWrite(): void {
  const index = <u32>readRegister(Register.RCX);
  const value = (readRegister(Register.RDX) << 32) | (readRegister(Register.RAX) & LOW_HALF);
  if (index <= <u32>Msr.IA32_DEBUGCTL && isOwn(index)) return writeOwn(index, value);
  if (!enterMonitor()) return;
  msrWrite(currentVcpu(), index, index == Msr.IA32_TSC_DEADLINE ? hostDeadline(value) : value);
  settleMonitorCall();
  if (lastStatus() == AccessStatus.Done) advance();
  else if (lastStatus() == AccessStatus.OpenBus) onWriteViolation(index);
  else injectGeneralProtection();
}

/** IA32_DEBUGCTL is the highest of them: local APICs, which are written often, lie above. */
function isOwn(index: u32): bool {
  return index == Msr.IA32_TIME_STAMP_COUNTER || index == Msr.IA32_TSC_ADJUST || index == Msr.IA32_DEBUGCTL;
}

/** What is in the VMCS. Branch records and traces are not offered, single steps by branches are. */
function writeOwn(index: u32, value: u64): void {
  if (index == Msr.IA32_DEBUGCTL && (value & ~DEBUGCTL_BTF)) return injectGeneralProtection();
  if (index == Msr.IA32_TIME_STAMP_COUNTER) writeTsc(value);
  else if (index == Msr.IA32_TSC_ADJUST) writeTscAdjustment(value);
  else setDebugControl(value);
  advance();
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
