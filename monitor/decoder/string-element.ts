// What all string instructions do after an element (SDM 1 7.3.9).

import { VcpuFrame } from "../interface";
import { Register, Rflags, frame, readRegister, writeRegister } from "./frame";

/** Elements that a repeated instruction carries out before interrupts get their turn. */
const ELEMENTS_AT_ONCE: u32 = 64;

/** The single-step trap comes after each element (SDM 3A 6.15, #DB). */
export function elementsAtOnce(): u32 {
  return frame(VcpuFrame.Rflags) & Rflags.Tf ? 1 : ELEMENTS_AT_ONCE;
}

/** Moves RSI or RDI on by `size` bytes, in the direction of DF. */
export function stepIndex(register: u32, size: u32, addressSize: u32): void {
  const distance: u64 = frame(VcpuFrame.Rflags) & Rflags.Df ? 0 - <u64>size : size;
  writeRegister(register, addressSize, readRegister(register, addressSize) + distance);
}

export function remainingElements(addressSize: u32): u64 {
  return readRegister(Register.Rcx, addressSize);
}

/** Counts RCX down after an element of a repeated instruction. */
export function countElement(addressSize: u32): void {
  writeRegister(Register.Rcx, addressSize, remainingElements(addressSize) - 1);
}
