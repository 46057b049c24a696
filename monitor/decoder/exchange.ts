// XCHG, XADD, CMPXCHG, CMPXCHG8B and CMPXCHG16B; `value` is what was read from memory. Registers change only if the device takes the write.

import { isRefused } from "./device-access";
import { setAddFlags, setSubtractFlags, setZeroFlag } from "./flags";
import { Register, readRegister, sizeMask, writeRegister } from "./frame";
import { destination, readPart, writeOperand, writePart } from "./guest-operand";
import { instruction } from "./instruction";
import { registerOrImmediate, setRegister } from "./other-operand";

export function exchange(vcpu: u32, value: u64): void {
  writeOperand(vcpu, destination, registerOrImmediate());
  if (!isRefused()) setRegister(value);
}

export function exchangeAdd(vcpu: u32, value: u64): void {
  const size = instruction.memorySize;
  const right = registerOrImmediate();
  const result = (value + right) & sizeMask(size);
  writeOperand(vcpu, destination, result);
  if (isRefused()) return;
  setRegister(value);
  setAddFlags(value, right, result, size);
}

/** The processor writes in any case: what it read, if the values differ (SDM 2A CMPXCHG). */
export function compareExchange(vcpu: u32, value: u64): void {
  const size = instruction.memorySize;
  const expected = readRegister(Register.Rax, size);
  writeOperand(vcpu, destination, expected == value ? registerOrImmediate() : value);
  if (isRefused()) return;
  setSubtractFlags(expected, value, (expected - value) & sizeMask(size), size);
  if (expected != value) writeRegister(Register.Rax, size, value);
}

/** EDX:EAX is compared, ECX:EBX written. */
export function compareExchange8Bytes(vcpu: u32, value: u64): void {
  const expected = pair(Register.Rdx, Register.Rax);
  writeOperand(vcpu, destination, expected == value ? pair(Register.Rcx, Register.Rbx) : value);
  if (isRefused()) return;
  setZeroFlag(expected == value);
  if (expected == value) return;
  writeRegister(Register.Rax, 4, value);
  writeRegister(Register.Rdx, 4, value >> 32);
}

/** RDX:RAX is compared, RCX:RBX written. */
export function compareExchange16Bytes(vcpu: u32): void {
  const low = readPart(vcpu, destination, 0, 8);
  const high = readPart(vcpu, destination, 8, 8);
  const isEqual = readRegister(Register.Rax, 8) == low && readRegister(Register.Rdx, 8) == high;
  if (isRefused()) return;
  writePart(vcpu, destination, 0, 8, isEqual ? readRegister(Register.Rbx, 8) : low);
  writePart(vcpu, destination, 8, 8, isEqual ? readRegister(Register.Rcx, 8) : high);
  if (isRefused()) return;
  setZeroFlag(isEqual);
  if (isEqual) return;
  writeRegister(Register.Rax, 8, low);
  writeRegister(Register.Rdx, 8, high);
}

function pair(high: u32, low: u32): u64 {
  return (readRegister(high, 4) << 32) | readRegister(low, 4);
}
