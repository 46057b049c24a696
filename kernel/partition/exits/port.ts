// Port I/O of the guest: its virtual devices answer, all else is a violation.

import { AccessStatus } from "../../../monitor/interface";
import { Register, readRegister, writeRegister } from "../../cpu/registers";
import { advance, injectGeneralProtection } from "../../cpu/backend";
import { HealthAction } from "../../policy/layout";
import { onPortViolation } from "../../policy/reader";
import { auditPort } from "../audit";
import { currentPartition, currentVcpu } from "../current";
import { applyFunctionRequests, hasFunctions } from "../functions";
import { lendFrame, raiseGuestFault, takeBackFrame } from "../frame";
import { StopReason, applyHealthAction, hasIntent } from "../intent";
import { lastStatus } from "../access-status";
import { portRead, portString, portWrite } from "../monitor";
import { enterMonitor } from "../monitor-lock";
import { settleMonitorCall } from "../monitor-call";

/** CONFIG_DATA of PCI configuration mechanism 1. */
const CONFIG_DATA: u32 = 0xcfc;

export function onPortAccess(port: u32, size: u32, isRead: bool): void {
  const rax = readRegister(Register.RAX);
  const mask: u64 = (<u64>1 << (size << 3)) - 1;
  let value: u64 = 0;
  if (!enterMonitor()) return;
  if (isRead) value = portRead(currentVcpu(), port, size);
  else portWrite(currentVcpu(), port, size, <u32>(rax & mask));
  settleMonitorCall();
  if (!isRead && isConfigData(port, size)) applyFunctionRequests();
  const status = lastStatus();
  if (status != AccessStatus.Done && !permitAnyway(port, size, isRead, status)) return;
  // A 32-bit IN clears the upper half of RAX, smaller ones leave the rest alone.
  if (isRead) writeRegister(Register.RAX, size == 4 ? value & mask : (rax & ~mask) | (value & mask));
  advance();
}

export function onStringPortAccess(port: u32, size: u32, isRead: bool, isRepeated: bool, information: u32): void {
  if (!lendFrame()) return;
  portString(currentVcpu(), port, size, isRead ? 0 : 1, isRepeated ? 1 : 0, information);
  settleMonitorCall();
  if (!isRead && isConfigData(port, size)) applyFunctionRequests();
  const status = lastStatus();
  if (status == AccessStatus.OpenBus && !permitAnyway(port, size, isRead, status)) return;
  if (status == AccessStatus.GuestFault) return raiseGuestFault();
  if (status != AccessStatus.Done && status != AccessStatus.OpenBus) return injectGeneralProtection();
  takeBackFrame();
}

/** Whether the access may have changed the configuration space of an assigned PCI function. */
// @ts-ignore: decorator
@inline
function isConfigData(port: u32, size: u32): bool {
  return hasFunctions() && port + size > CONFIG_DATA && port < CONFIG_DATA + 4;
}

/** True if the access goes on as on an open bus. */
function permitAnyway(port: u32, size: u32, isRead: bool, status: u32): bool {
  if (status != AccessStatus.OpenBus) {
    injectGeneralProtection();
    return false;
  }
  auditPort(port, size, isRead);
  const action = onPortViolation(currentPartition());
  if (action == HealthAction.Ignore) return true;
  if (action == HealthAction.InjectFault) injectGeneralProtection();
  else if (!hasIntent()) applyHealthAction(action, StopReason.Violation);
  return false;
}
