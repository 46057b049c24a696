// Each function's record (FunctionMailbox): of an assigned one what the kernel says of it and what the monitor tells the
// kernel; of the virtual disk the same, kept by the monitor for itself.

import { functionCount, hasDisk } from "../../configuration";
import { FunctionMailbox, Mailbox, MAXIMUM_FUNCTIONS } from "../../interface";
import { BaseAddress } from "./register";

export const BAR_COUNT: u32 = 6;
/** Index of the virtual disk, behind those of assigned functions. */
export const DISK_FUNCTION: u32 = MAXIMUM_FUNCTIONS;
/** Indices that a function can have. */
export const FUNCTION_INDICES: u32 = MAXIMUM_FUNCTIONS + 1;
export const NO_FUNCTION: u32 = u32.MAX_VALUE;

const DISK_RECORD = memory.data(192, 8); // FunctionMailbox.Size

const BAR_SIZE_OFFSET: usize = 8;

function record(index: u32): usize {
  return index < MAXIMUM_FUNCTIONS ? <usize>Mailbox.Functions + index * FunctionMailbox.Size : DISK_RECORD;
}

/** Whether the partition has a function with this index. */
export function isPresent(index: u32): bool {
  return index < functionCount() || (index == DISK_FUNCTION && hasDisk());
}

// @ts-ignore: decorator
@inline function barRecord(index: u32, bar: u32): usize {
  return record(index) + FunctionMailbox.Bars + (min<u32>(bar, BAR_COUNT - 1) << 4);
}

/** A u32 of the function's record. */
export function functionField(index: u32, field: FunctionMailbox): u32 {
  return load<u32>(record(index) + field);
}

/** Describes a virtual function. */
export function setFunctionField(index: u32, field: FunctionMailbox, value: u32): void {
  store<u32>(record(index) + field, value);
}

/** Gives a virtual function a BAR. */
export function setBar(index: u32, bar: u32, address: u64, size: u64): void {
  store<u64>(barRecord(index, bar), address);
  store<u64>(barRecord(index, bar), size, BAR_SIZE_OFFSET);
}

/** Guest-physical address or port of the BAR: an assigned function's stays where the kernel put it, a virtual one's moves. */
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
