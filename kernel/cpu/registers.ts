// The guest's general registers, which the exit stub keeps in linear memory at Fixed.GuestRegisters.

import { Fixed } from "../memory/layout";

/** Register numbers as instructions encode them, SDM 2A 2.1. */
export const enum Register {
  RAX = 0,
  RCX = 1,
  RDX = 2,
  RBX = 3,
  /** Kept by the processor, not by the stub: see stackPointer() of the back end. */
  RSP = 4,
  RBP = 5,
  RSI = 6,
  RDI = 7,
  R8 = 8,
  COUNT = 16,
}

// @ts-ignore: decorator
@inline
export function readRegister(register: u32): u64 { return load<u64>(Fixed.GuestRegisters + (register << 3)); }

// @ts-ignore: decorator
@inline
export function writeRegister(register: u32, value: u64): void {
  store<u64>(Fixed.GuestRegisters + (register << 3), value);
}

export function clearRegisters(): void {
  memory.fill(Fixed.GuestRegisters, 0, Register.COUNT << 3);
}
