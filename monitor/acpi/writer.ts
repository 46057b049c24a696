// Writes bytes to guest memory from a position on; ACPI tables are little-endian and packed.

import { load8, store16, store32, store64, store8 } from "../imports";

/** Guest-physical address of the next byte. */
let position: u64 = 0;

export function seek(address: u64): void {
  position = address;
}

export function tell(): u64 {
  return position;
}

/** Moves on to a multiple of `alignment`, a power of two. The bytes passed over stay as they are. */
export function align(alignment: u64): void {
  position = (position + alignment - 1) & ~(alignment - 1);
}

export function put8(value: u32): void {
  store8(position, <u8>value);
  position += 1;
}

export function put16(value: u32): void {
  store16(position, <u16>value);
  position += 2;
}

export function put32(value: u32): void {
  store32(position, value);
  position += 4;
}

export function put64(value: u64): void {
  store64(position, value);
  position += 8;
}

export function putZeros(count: u32): void {
  for (let i: u32 = 0; i < count; i++) put8(0);
}

/** `text` in ASCII, without a terminating zero. */
export function putText(text: string): void {
  for (let i = 0; i < text.length; i++) put8(text.charCodeAt(i));
}

/** Makes the `length` bytes at `address` sum up to 0 (modulo 256) by the byte at `checksum`, which lies among them. */
export function writeChecksum(address: u64, length: u64, checksum: u64): void {
  store8(checksum, 0);
  let sum: u32 = 0;
  for (let i: u64 = 0; i < length; i++) sum += load8(address + i);
  store8(checksum, <u8>(0 - sum));
}
