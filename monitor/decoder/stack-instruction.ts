// PUSH, POP, CALL, JMP, RET, ENTER and LEAVE (SDM 2A, 2B). Operand and stack may each be RAM or a device: both are looked up
// in the guest's tables, since the exit told the address of one of them.

import { AccessStatus, VcpuFrame } from "../interface";
import { deviceStatus, isRefused } from "./device-access";
import { Exception, raise } from "./fault";
import { Register, advance, frame, isLongMode, readRegister, setFrame, sizeMask, writeRegister } from "./frame";
import { destination, prepareOperand, readOperand, source, writeOperand } from "./guest-operand";
import { Operation, instruction } from "./instruction";
import { addOffset, isStackBased } from "./modrm";
import { registerOrImmediate } from "./other-operand";
import { Segment, isCodeAddress, stackWidth } from "./segment";

/** Registers and RIP change only if all of the instruction can be done. */
export function executeStack(vcpu: u32): AccessStatus {
  const next = frame(VcpuFrame.Rip) + instruction.length;
  switch (instruction.operation) {
    case Operation.Pop: return pop(vcpu);
    case Operation.PopRegister: return popRegister(vcpu, instruction.register, readRegister(Register.Rsp, stackWidth()));
    case Operation.Leave: return popRegister(vcpu, Register.Rbp, readRegister(Register.Rbp, stackWidth()));
    case Operation.PushValue: return push(vcpu, registerOrImmediate(), next);
    case Operation.CallRelative: return call(vcpu, next, (next + instruction.immediate) & sizeMask(instruction.memorySize));
    case Operation.Return: return leaveCode(vcpu);
    case Operation.Enter: return enter(vcpu, next);
    default: return withOperand(vcpu, next);
  }
}

/** PUSH, CALL and JMP with their operand in memory. */
function withOperand(vcpu: u32, next: u64): AccessStatus {
  const size = instruction.memorySize;
  if (!prepareOperand(destination, instruction.segment, instruction.offset, size, false)) return AccessStatus.GuestFault;
  const value = readOperand(vcpu, destination);
  if (isRefused()) return deviceStatus();
  if (instruction.operation == Operation.Push) return push(vcpu, value, next);
  if (instruction.operation == Operation.Call) return call(vcpu, next, value);
  if (!isCodeAddress(value)) return refuse();
  setFrame(VcpuFrame.Rip, value);
  return deviceStatus();
}

function call(vcpu: u32, next: u64, target: u64): AccessStatus {
  return isCodeAddress(target) ? push(vcpu, next & sizeMask(instruction.memorySize), target) : refuse();
}

function refuse(): AccessStatus {
  raise(Exception.Gp);
  return AccessStatus.GuestFault;
}

/** RET. */
function leaveCode(vcpu: u32): AccessStatus {
  const width = stackWidth();
  const top = readRegister(Register.Rsp, width);
  if (!prepareOperand(source, Segment.Ss, top, instruction.memorySize, false)) return AccessStatus.GuestFault;
  const target = readOperand(vcpu, source);
  if (isRefused()) return deviceStatus();
  if (!isCodeAddress(target)) return refuse();
  writeRegister(Register.Rsp, width, top + instruction.memorySize + instruction.immediate);
  setFrame(VcpuFrame.Rip, target);
  return deviceStatus();
}

/** A register from the stack, whose pointer `top` becomes RSP first; POP RSP keeps what it read. */
function popRegister(vcpu: u32, register: u32, top: u64): AccessStatus {
  const size = instruction.memorySize;
  if (!prepareOperand(source, Segment.Ss, top, size, false)) return AccessStatus.GuestFault;
  const value = readOperand(vcpu, source);
  if (isRefused()) return deviceStatus();
  writeRegister(Register.Rsp, stackWidth(), top + size);
  writeRegister(register, size, value);
  advance(instruction.length);
  return deviceStatus();
}

/** Without nesting: RBP is pushed, points there, and room is made. */
function enter(vcpu: u32, next: u64): AccessStatus {
  const status = push(vcpu, readRegister(Register.Rbp, instruction.memorySize), next);
  if (status != AccessStatus.Done && status != AccessStatus.OpenBus) return status;
  const width = stackWidth();
  const top = readRegister(Register.Rsp, width);
  writeRegister(Register.Rbp, instruction.memorySize, top);
  writeRegister(Register.Rsp, width, top - instruction.immediate);
  return status;
}

function push(vcpu: u32, value: u64, next: u64): AccessStatus {
  const size = instruction.memorySize;
  const width = stackWidth();
  const top = (readRegister(Register.Rsp, width) - size) & sizeMask(width);
  if (!prepareOperand(source, Segment.Ss, top, size, true)) return AccessStatus.GuestFault;
  writeOperand(vcpu, source, value);
  if (isRefused()) return deviceStatus();
  writeRegister(Register.Rsp, width, top);
  setFrame(VcpuFrame.Rip, isLongMode() ? next : next & 0xffffffff);
  return deviceStatus();
}

/** RSP counts for the operand's address as it is after the POP. */
function pop(vcpu: u32): AccessStatus {
  const size = instruction.memorySize;
  const width = stackWidth();
  const top = readRegister(Register.Rsp, width);
  if (isStackBased()) addOffset(size);
  if (!prepareOperand(source, Segment.Ss, top, size, false)) return AccessStatus.GuestFault;
  if (!prepareOperand(destination, instruction.segment, instruction.offset & sizeMask(instruction.addressSize), size, true)) return AccessStatus.GuestFault;
  const value = readOperand(vcpu, source);
  if (isRefused()) return deviceStatus();
  writeOperand(vcpu, destination, value);
  if (isRefused()) return deviceStatus();
  writeRegister(Register.Rsp, width, top + size);
  advance(instruction.length);
  return deviceStatus();
}
