// What the kernel says of each assigned function, and what the monitor tells it (FunctionMailbox).

import { FunctionMailbox, Mailbox, MAXIMUM_FUNCTIONS } from "../../interface";
import { BaseAddress } from "./register";

export const BAR_COUNT: u32 = 6;

const BAR_SIZE_OFFSET: usize = 8;

// @ts-ignore: decorator
@inline function record(index: u32): usize {
  return Mailbox.Functions + (index & (MAXIMUM_FUNCTIONS - 1)) * FunctionMailbox.Size;
}

// @ts-ignore: decorator
@inline function barRecord(index: u32, bar: u32): usize {
  return record(index) + FunctionMailbox.Bars + (min<u32>(bar, BAR_COUNT - 1) << 4);
}

/** A u32 of the function's record. */
export function functionField(index: u32, field: FunctionMailbox): u32 {
  return load<u32>(record(index) + field);
}

/** Guest-physical address or port that the kernel gave the BAR. */
export function barAddress(index: u32, bar: u32): u64 {
  return load<u64>(barRecord(index, bar));
}

/** Size and low bits in one, as the kernel wrote them. */
function barSizeAndFlags(index: u32, bar: u32): u64 {
  return load<u64>(barRecord(index, bar), BAR_SIZE_OFFSET);
}

/** Which bits are not the size: an I/O BAR can be as small as 4 bytes. */
function flagBits(sizeAndFlags: u64): u64 {
  return (sizeAndFlags & BaseAddress.Io) != 0 ? BaseAddress.IoFlags : BaseAddress.MemoryFlags;
}

/** The low bits of the BAR as in hardware. */
export function barFlags(index: u32, bar: u32): u32 {
  const sizeAndFlags = barSizeAndFlags(index, bar);
  return <u32>(sizeAndFlags & flagBits(sizeAndFlags));
}

/** Bytes; 0 if there is no BAR. */
export function barSize(index: u32, bar: u32): u64 {
  const sizeAndFlags = barSizeAndFlags(index, bar);
  return sizeAndFlags & ~flagBits(sizeAndFlags);
}

/** Tells the kernel the command bits that it applies to the real function. */
export function publishCommand(index: u32, command: u32): void {
  store<u32>(record(index), command, FunctionMailbox.Command);
}

/** Asks the kernel for a function-level reset. */
export function requestFunctionReset(index: u32): void {
  store<u32>(record(index), functionField(index, FunctionMailbox.Reset) + 1, FunctionMailbox.Reset);
}
