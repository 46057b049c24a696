// Shifts and rotates of an operand in memory (SDM 2B), one bit at a time.

import { isRefused } from "./device-access";
import { carryFlag, setRotateFlags, setShiftFlags } from "./flags";
import { Register, readRegister, sizeMask } from "./frame";
import { destination, writeOperand } from "./guest-operand";
import { Operation, instruction } from "./instruction";

/** How many bits: masked to 5 bits, or 6 of an operand of 8 bytes. */
function distance(): u32 {
  const count = instruction.countsCl ? <u32>readRegister(Register.Rcx, 1) : <u32>instruction.immediate;
  return count & (instruction.memorySize == 8 ? 0x3f : 0x1f);
}

/** `value` is what was read from memory. */
export function shift(vcpu: u32, value: u64): void {
  const size = instruction.memorySize;
  const width = size << 3;
  const count = distance();
  const isLeft = movesLeft();
  let source = isDouble() ? readRegister(instruction.register, size) : 0;
  let carry = carryFlag();
  let result = value;
  for (let bit: u32 = 0; bit < count; bit++) {
    const leaving = isLeft ? (result >> (width - 1)) & 1 : result & 1;
    const entering = enteringBit(result, leaving, carry, source, width);
    result = isLeft ? ((result << 1) | entering) & sizeMask(size) : (result >> 1) | (entering << (width - 1));
    source = isLeft ? source << 1 : source >> 1;
    carry = leaving;
  }
  writeOperand(vcpu, destination, result);
  if (isRefused() || count == 0) return;
  const top = (result >> (width - 1)) & 1;
  // Defined for a distance of 1 only.
  const overflow = isLeft ? top ^ carry : top ^ ((result >> (width - 2)) & 1);
  if (instruction.operation <= Operation.RotateCarryRight) setRotateFlags(carry, overflow);
  else setShiftFlags(carry, overflow, result, size);
}

function movesLeft(): bool {
  switch (instruction.operation) {
    case Operation.RotateLeft:
    case Operation.RotateCarryLeft:
    case Operation.ShiftLeft:
    case Operation.ShiftLeftDouble: return true;
    default: return false;
  }
}

function isDouble(): bool {
  return instruction.operation >= Operation.ShiftLeftDouble;
}

function enteringBit(value: u64, leaving: u64, carry: u64, source: u64, width: u32): u64 {
  switch (instruction.operation) {
    case Operation.RotateLeft:
    case Operation.RotateRight: return leaving;
    case Operation.RotateCarryLeft:
    case Operation.RotateCarryRight: return carry;
    case Operation.ShiftRightArithmetic: return value >> (width - 1);
    case Operation.ShiftLeftDouble: return (source >> (width - 1)) & 1;
    case Operation.ShiftRightDouble: return source & 1;
    default: return 0;
  }
}
