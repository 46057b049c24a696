// Arithmetic and logic with an operand in memory. A device may refuse the result; flags stay as they are then.

import { isRefused } from "./device-access";
import { carryFlag, setAddFlags, setCarryFlag, setLogicFlags, setSubtractFlags } from "./flags";
import { sizeMask } from "./frame";
import { destination, writeOperand } from "./guest-operand";
import { Operation, instruction } from "./instruction";
import { registerOrImmediate, setRegister } from "./other-operand";

/** `value` is what was read from memory. */
export function calculate(vcpu: u32, value: u64): void {
  const left = leftOperand(value);
  const right = rightOperand(value);
  const result = combine(left, right) & sizeMask(instruction.memorySize);
  if (instruction.toMemory) writeOperand(vcpu, destination, result);
  else setRegister(result);
  if (!isRefused()) setFlags(left, right, result);
}

function leftOperand(value: u64): u64 {
  if (instruction.operation == Operation.Negate) return 0;
  return instruction.toMemory ? value : registerOrImmediate();
}

function rightOperand(value: u64): u64 {
  switch (instruction.operation) {
    case Operation.Not:
    case Operation.Negate: return value;
    case Operation.Increment:
    case Operation.Decrement: return 1;
    default: return instruction.toMemory ? registerOrImmediate() : value;
  }
}

function combine(left: u64, right: u64): u64 {
  switch (instruction.operation) {
    case Operation.Add:
    case Operation.Increment: return left + right;
    case Operation.AddWithCarry: return left + right + carryFlag();
    case Operation.Subtract:
    case Operation.Negate:
    case Operation.Decrement: return left - right;
    case Operation.SubtractWithBorrow: return left - right - carryFlag();
    case Operation.And: return left & right;
    case Operation.Or: return left | right;
    case Operation.Not: return ~right;
    default: return left ^ right;
  }
}

function setFlags(left: u64, right: u64, result: u64): void {
  const size = instruction.memorySize;
  switch (instruction.operation) {
    case Operation.Add:
    case Operation.AddWithCarry: return setAddFlags(left, right, result, size);
    case Operation.Subtract:
    case Operation.SubtractWithBorrow:
    case Operation.Negate: return setSubtractFlags(left, right, result, size);
    case Operation.Increment:
    case Operation.Decrement: return setCountFlags(left, right, result);
    case Operation.Not: return;
    default: return setLogicFlags(result, size);
  }
}

/** INC and DEC leave CF. */
function setCountFlags(left: u64, right: u64, result: u64): void {
  const carry = carryFlag();
  if (instruction.operation == Operation.Increment) setAddFlags(left, right, result, instruction.memorySize);
  else setSubtractFlags(left, right, result, instruction.memorySize);
  setCarryFlag(carry);
}
