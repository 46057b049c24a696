// MOVS, CMPS, STOS, LODS and SCAS, at least one of whose elements is on a device. A repeated one is carried out in
// turns of bounded length; RIP stays until it ends.

import { AccessStatus } from "../interface";
import { deviceStatus, isRefused } from "./device-access";
import { isZeroFlagSet, setSubtractFlags } from "./flags";
import { Register, advance, readRegister, sizeMask, writeRegister } from "./frame";
import { destination, prepareOperand, readOperand, source, writeOperand } from "./guest-operand";
import { Operation, Repetition, instruction } from "./instruction";
import { Segment } from "./segment";
import { countElement, elementsAtOnce, remainingElements, stepIndex } from "./string-element";

/** An element that cannot be carried out ends the turn; it is the first one of the next turn, whose status then says why. */
export function executeString(vcpu: u32): AccessStatus {
  if (instruction.repetition == Repetition.None) return executeOnce(vcpu);
  const addressSize = instruction.addressSize;
  for (let i: u32 = 0, most = elementsAtOnce(); i < most && remainingElements(addressSize) != 0; i++) {
    if (!prepareElement()) return i == 0 ? AccessStatus.GuestFault : AccessStatus.Done;
    transferElement(vcpu);
    if (isRefused()) return i == 0 ? AccessStatus.GeneralProtection : AccessStatus.Done;
    stepIndices();
    countElement(addressSize);
    if (isConditionMet()) {
      advance(instruction.length);
      return deviceStatus();
    }
    if (deviceStatus() != AccessStatus.Done) break;
  }
  if (remainingElements(addressSize) == 0) advance(instruction.length);
  return deviceStatus();
}

function executeOnce(vcpu: u32): AccessStatus {
  if (!prepareElement()) return AccessStatus.GuestFault;
  transferElement(vcpu);
  if (isRefused()) return AccessStatus.GeneralProtection;
  stepIndices();
  advance(instruction.length);
  return deviceStatus();
}

/** Only the segment of RSI can be overridden; that of RDI is ES (SDM 1 7.3.9.1). False if the guest gets a fault instead. */
function prepareElement(): bool {
  const size = instruction.memorySize;
  if (usesSource() && !prepareOperand(source, instruction.segment, index(Register.Rsi), size, false)) return false;
  return !usesDestination() || prepareOperand(destination, Segment.Es, index(Register.Rdi), size, writesDestination());
}

function usesSource(): bool {
  return instruction.operation != Operation.StoreString && instruction.operation != Operation.ScanString;
}

function usesDestination(): bool {
  return instruction.operation != Operation.LoadString;
}

function writesDestination(): bool {
  return instruction.operation == Operation.MoveString || instruction.operation == Operation.StoreString;
}

function index(register: u32): u64 {
  return readRegister(register, instruction.addressSize);
}

/** Flags and RAX change only if no device refused. */
function transferElement(vcpu: u32): void {
  const size = instruction.memorySize;
  switch (instruction.operation) {
    case Operation.MoveString: return moveElement(vcpu);
    case Operation.StoreString: return writeOperand(vcpu, destination, readRegister(Register.Rax, size));
    case Operation.LoadString: return loadElement(vcpu);
    case Operation.ScanString: return compareElement(vcpu, readRegister(Register.Rax, size));
    default: return compareElement(vcpu, readOperand(vcpu, source));
  }
}

function moveElement(vcpu: u32): void {
  const value = readOperand(vcpu, source);
  if (!isRefused()) writeOperand(vcpu, destination, value);
}

function loadElement(vcpu: u32): void {
  const value = readOperand(vcpu, source);
  if (!isRefused()) writeRegister(Register.Rax, instruction.memorySize, value);
}

function compareElement(vcpu: u32, left: u64): void {
  if (isRefused()) return;
  const size = instruction.memorySize;
  const right = readOperand(vcpu, destination);
  if (!isRefused()) setSubtractFlags(left, right, (left - right) & sizeMask(size), size);
}

function stepIndices(): void {
  if (usesSource()) stepIndex(Register.Rsi, instruction.memorySize, instruction.addressSize);
  if (usesDestination()) stepIndex(Register.Rdi, instruction.memorySize, instruction.addressSize);
}

/** CMPS and SCAS end before their count does: REPE at the first difference, REPNE at the first match (SDM 2B REP). */
function isConditionMet(): bool {
  if (instruction.operation != Operation.CompareString && instruction.operation != Operation.ScanString) return false;
  return isZeroFlagSet() == (instruction.repetition == Repetition.WhileNotEqual);
}
