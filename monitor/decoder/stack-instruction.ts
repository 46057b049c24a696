// PUSH, POP, CALL and JMP with an operand in memory (SDM 2A, 2B). Operand and stack may each be RAM or a device: both are looked up
// in the guest's tables, since the exit told the address of one of them.

import { AccessStatus, VcpuFrame } from "../interface";
import { deviceStatus, isRefused } from "./device-access";
import { Exception, raise } from "./fault";
import { Register, advance, frame, isLongMode, readRegister, setFrame, sizeMask, writeRegister } from "./frame";
import { destination, prepareOperand, readOperand, source, writeOperand } from "./guest-operand";
import { Operation, instruction } from "./instruction";
import { addOffset, isStackBased } from "./modrm";
import { Segment, isCodeAddress, stackWidth } from "./segment";

/** Registers and RIP change only if all of the instruction can be done. */
export function executeStack(vcpu: u32): AccessStatus {
  if (instruction.operation == Operation.Pop) return pop(vcpu);
  const size = instruction.memorySize;
  if (!prepareOperand(destination, instruction.segment, instruction.offset, size, false)) return AccessStatus.GuestFault;
  const value = readOperand(vcpu, destination);
  if (isRefused()) return deviceStatus();
  if (instruction.operation == Operation.Push) return push(vcpu, value, frame(VcpuFrame.Rip) + instruction.length);
  if (!isCodeAddress(value)) {
    raise(Exception.Gp);
    return AccessStatus.GuestFault;
  }
  if (instruction.operation == Operation.Call) return push(vcpu, (frame(VcpuFrame.Rip) + instruction.length) & sizeMask(size), value);
  setFrame(VcpuFrame.Rip, value);
  return deviceStatus();
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
