// The forms in which operations take their operands.

import { Operation, instruction } from "./instruction";
import { takeMemoryOperand } from "./modrm";

/** A register and memory, of the same size. */
export function registerForm(operation: Operation, toMemory: bool): bool {
  instruction.operation = operation;
  instruction.toMemory = toMemory;
  instruction.registerSize = instruction.memorySize;
  return takeMemoryOperand();
}

/** Memory alone or with an immediate; ModR/M was taken. */
export function memoryForm(operation: Operation): bool {
  instruction.operation = operation;
  instruction.toMemory = true;
  return true;
}

export function countByCl(): bool {
  instruction.countsCl = true;
  return true;
}

/** A selector in memory, from or to a segment register; ModR/M was taken. */
export function segmentForm(operation: Operation, segment: u32): bool {
  instruction.operation = operation;
  instruction.register = segment;
  instruction.memorySize = 2;
  return true;
}

/** Memory is read; the register may be written. */
export function loadForm(operation: Operation): bool {
  instruction.memorySize = instruction.registerSize;
  return registerForm(operation, false);
}

/** A register and memory that is smaller. */
export function extendForm(operation: Operation, memorySize: u32): bool {
  instruction.operation = operation;
  instruction.memorySize = memorySize;
  return takeMemoryOperand();
}
