// STOS and MOVS on a device, one element a time: a repeated one leaves RIP in place until its count is 0, and
// the next element faults again.

import { AccessStatus } from "../interface";
import { deviceStatus, isRefused, readDevice, writeDevice } from "./device-access";
import { Register, advance, readRegister } from "./frame";
import { prepareOperand, readOperand, writeOperand } from "./guest-operand";
import { instruction } from "./instruction";
import { countElement, remainingElements, stepIndex } from "./string-element";

export function executeStoreString(vcpu: u32, gpa: u64): AccessStatus {
  if (isExhausted()) return AccessStatus.Done;
  writeDevice(vcpu, gpa, instruction.memorySize, readRegister(Register.Rax, instruction.memorySize));
  if (!isRefused()) {
    step(Register.Rdi);
    finishElement();
  }
  return deviceStatus();
}

/** `isWrite`: the device at `gpa` is the destination and the source is elsewhere, else the reverse. */
export function executeMoveString(vcpu: u32, gpa: u64, isWrite: bool): AccessStatus {
  if (isExhausted()) return AccessStatus.Done;
  if (isWrite && instruction.hasUnknownBase) return AccessStatus.Undecodable;
  const other = readRegister(isWrite ? Register.Rsi : Register.Rdi, instruction.addressSize);
  if (!prepareOperand(other, instruction.memorySize, !isWrite)) return AccessStatus.GuestFault;
  if (isWrite) moveToDevice(vcpu, gpa);
  else moveFromDevice(vcpu, gpa);
  if (!isRefused()) {
    step(Register.Rsi);
    step(Register.Rdi);
    finishElement();
  }
  return deviceStatus();
}

function moveToDevice(vcpu: u32, gpa: u64): void {
  const value = readOperand(vcpu, instruction.memorySize);
  writeDevice(vcpu, gpa, instruction.memorySize, value);
}

function moveFromDevice(vcpu: u32, gpa: u64): void {
  const value = readDevice(vcpu, gpa, instruction.memorySize);
  if (!isRefused()) writeOperand(vcpu, instruction.memorySize, value);
}

/** A repeated instruction with a count of 0 does nothing. */
function isExhausted(): bool {
  if (!instruction.isRepeated || remainingElements(instruction.addressSize) != 0) return false;
  advance(instruction.length);
  return true;
}

function step(register: u32): void {
  stepIndex(register, instruction.memorySize, instruction.addressSize);
}

function finishElement(): void {
  if (instruction.isRepeated) {
    countElement(instruction.addressSize);
    if (remainingElements(instruction.addressSize) != 0) return;
  }
  advance(instruction.length);
}
