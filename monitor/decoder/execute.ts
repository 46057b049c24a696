// Carries out the instruction that touched a device.

import { AccessStatus } from "../interface";
import { decode } from "./decode";
import { deviceStatus, isRefused, readDevice, writeDevice } from "./device-access";
import { openInstruction } from "./fetch";
import { setAddFlags, setLogicFlags, setSubtractFlags } from "./flags";
import { Register, advance, readByteRegister, readRegister, sizeMask, writeByteRegister, writeRegister } from "./frame";
import { Operation, instruction } from "./instruction";
import { executePlainMove } from "./plain-move";
import { executeMoveString, executeStoreString } from "./string-instruction";

const PAGE_SIZE: u64 = 4096;

/**
 * Decodes the instruction at RIP of the frame and carries it out on the device at `gpa`, the address that faulted.
 * The registers, flags and RIP of the frame change only if the result is Done or OpenBus.
 */
export function executeMemoryAccess(vcpu: u32, gpa: u64, isWrite: u32): AccessStatus {
  if (!openInstruction()) return AccessStatus.GuestFault;
  if (executePlainMove(vcpu, gpa)) return deviceStatus();
  const status = decode();
  if (status != AccessStatus.Done) return status;
  if (isSplit(gpa, isWrite != 0)) return AccessStatus.Undecodable;
  switch (instruction.operation) {
    case Operation.StoreString: return executeStoreString(vcpu, gpa);
    case Operation.MoveString: return executeMoveString(vcpu, gpa, isWrite != 0);
    default: return executeOrdinary(vcpu, gpa);
  }
}

/** An access across two pages: no device has registers there, and the address that faulted may be its second half. */
function isSplit(gpa: u64, isWrite: bool): bool {
  const offset = gpa & (PAGE_SIZE - 1);
  if (offset + instruction.memorySize > PAGE_SIZE) return true;
  if (offset != 0 || instruction.hasUnknownBase || instruction.addressSize == 2) return false;
  return (operandOffset(isWrite) & (PAGE_SIZE - 1)) != 0;
}

/** Address of the operand on the device, without its segment's base. */
function operandOffset(isWrite: bool): u64 {
  switch (instruction.operation) {
    case Operation.StoreString: return readRegister(Register.Rdi, 8);
    case Operation.MoveString: return readRegister(isWrite ? Register.Rdi : Register.Rsi, 8);
    default: return instruction.offset;
  }
}

function executeOrdinary(vcpu: u32, gpa: u64): AccessStatus {
  if (instruction.operation == Operation.Move && instruction.toMemory) {
    writeDevice(vcpu, gpa, instruction.memorySize, source());
  } else {
    const value = readDevice(vcpu, gpa, instruction.memorySize);
    if (!isRefused()) apply(vcpu, gpa, value);
  }
  if (!isRefused()) advance(instruction.length);
  return deviceStatus();
}

/** The operations that read memory; `value` is what was read. */
function apply(vcpu: u32, gpa: u64, value: u64): void {
  switch (instruction.operation) {
    case Operation.Move:
    case Operation.MoveZeroExtended: setRegister(value); break;
    case Operation.MoveSignExtended: setRegister(signExtend(value)); break;
    case Operation.Exchange: exchange(vcpu, gpa, value); break;
    case Operation.Compare: compare(value); break;
    case Operation.Test: setLogicFlags(value & source(), instruction.memorySize); break;
    default: calculate(vcpu, gpa, value);
  }
}

function exchange(vcpu: u32, gpa: u64, value: u64): void {
  writeDevice(vcpu, gpa, instruction.memorySize, source());
  if (!isRefused()) setRegister(value);
}

function compare(value: u64): void {
  const size = instruction.memorySize;
  const left = instruction.toMemory ? value : source();
  const right = instruction.toMemory ? source() : value;
  setSubtractFlags(left, right, (left - right) & sizeMask(size), size);
}

/** ADD, OR, AND, SUB and XOR. A device may refuse the result; flags stay as they are then. */
function calculate(vcpu: u32, gpa: u64, value: u64): void {
  const left = instruction.toMemory ? value : source();
  const right = instruction.toMemory ? source() : value;
  const result = combine(left, right) & sizeMask(instruction.memorySize);
  if (instruction.toMemory) writeDevice(vcpu, gpa, instruction.memorySize, result);
  else setRegister(result);
  if (!isRefused()) setFlags(left, right, result);
}

function combine(left: u64, right: u64): u64 {
  switch (instruction.operation) {
    case Operation.Add: return left + right;
    case Operation.Subtract: return left - right;
    case Operation.And: return left & right;
    case Operation.Or: return left | right;
    default: return left ^ right;
  }
}

function setFlags(left: u64, right: u64, result: u64): void {
  const size = instruction.memorySize;
  if (instruction.operation == Operation.Add) setAddFlags(left, right, result, size);
  else if (instruction.operation == Operation.Subtract) setSubtractFlags(left, right, result, size);
  else setLogicFlags(result, size);
}

/** The operand that is not in memory. */
function source(): u64 {
  const size = instruction.memorySize;
  if (instruction.hasImmediate) return instruction.immediate & sizeMask(size);
  return size == 1 ? readByteRegister(instruction.register, instruction.hasRex) : readRegister(instruction.register, size);
}

function setRegister(value: u64): void {
  const size = instruction.registerSize;
  if (size == 1) writeByteRegister(instruction.register, instruction.hasRex, value);
  else writeRegister(instruction.register, size, value);
}

function signExtend(value: u64): u64 {
  const unused = 64 - (instruction.memorySize << 3);
  return <u64>((<i64>(value << unused)) >> unused);
}
