// The operand that is not in memory.

import { readByteRegister, readRegister, sizeMask, writeByteRegister, writeRegister } from "./frame";
import { instruction } from "./instruction";

export function registerOrImmediate(): u64 {
  const size = instruction.memorySize;
  if (instruction.hasImmediate) return instruction.immediate & sizeMask(size);
  return size == 1 ? readByteRegister(instruction.register, instruction.hasRex) : readRegister(instruction.register, size);
}

export function setRegister(value: u64): void {
  const size = instruction.registerSize;
  if (size == 1) writeByteRegister(instruction.register, instruction.hasRex, value);
  else writeRegister(instruction.register, size, value);
}
