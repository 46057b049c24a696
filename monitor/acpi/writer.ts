// Writes bytes to the buffer in which the ACPI tables are made; they are little-endian and packed. Positions are offsets
// in the buffer. Pointers hold such offsets until the tables get their place, by place.ts or by the guest's firmware.

const CAPACITY: u32 = 4096;
const BUFFER = memory.data(4096, 64); // CAPACITY
const MAXIMUM_POINTERS: u32 = 32;
const POINTERS = memory.data(256, 8); // MAXIMUM_POINTERS of Pointer.Size

const enum Pointer { Position = 0, Width = 4, Size = 8 } // u32 each

let position: u32 = 0;
let pointers: u32 = 0;

export function beginBuffer(): void {
  memory.fill(BUFFER, 0, CAPACITY);
  position = 0;
  pointers = 0;
}

export function tell(): u32 {
  return position;
}

/** Where the byte at `at` lies in the monitor's memory; beyond the buffer its last byte, so that nothing else can be hit. */
export function bufferAddress(at: u32): usize {
  return BUFFER + min<u32>(at, CAPACITY - 1);
}

/** Moves on to a multiple of `alignment`, a power of two. */
export function align(alignment: u32): void {
  position = (position + alignment - 1) & ~(alignment - 1);
}

export function put8(value: u32): void {
  patch8(position, value);
  position += 1;
}

export function put16(value: u32): void {
  put8(value);
  put8(value >> 8);
}

export function put32(value: u32): void {
  put16(value);
  put16(value >> 16);
}

export function put64(value: u64): void {
  put32(<u32>value);
  put32(<u32>(value >> 32));
}

export function putZeros(count: u32): void {
  for (let i: u32 = 0; i < count; i++) put8(0);
}

/** `text` in ASCII, without a terminating zero. */
export function putText(text: string): void {
  for (let i = 0; i < text.length; i++) put8(text.charCodeAt(i));
}

/** The address of what lies at `target`, in four bytes. */
export function putPointer32(target: u32): void {
  notePointer(4);
  put32(target);
}

/** The address of what lies at `target`, in eight bytes. */
export function putPointer64(target: u32): void {
  notePointer(8);
  put64(target);
}

function notePointer(width: u32): void {
  const record = POINTERS + min<u32>(pointers, MAXIMUM_POINTERS - 1) * Pointer.Size;
  store<u32>(record, position, Pointer.Position);
  store<u32>(record, width, Pointer.Width);
  if (pointers < MAXIMUM_POINTERS) pointers++;
}

export function pointerCount(): u32 {
  return pointers;
}

/** Where the pointer number `index`, below pointerCount(), lies. */
export function pointerPosition(index: u32): u32 {
  return load<u32>(POINTERS + index * Pointer.Size, Pointer.Position);
}

/** Its bytes, 4 or 8. */
export function pointerWidth(index: u32): u32 {
  return load<u32>(POINTERS + index * Pointer.Size, Pointer.Width);
}

export function patch8(at: u32, value: u32): void {
  store<u8>(bufferAddress(at), <u8>value);
}

export function patch16(at: u32, value: u32): void {
  patch8(at, value);
  patch8(at + 1, value >> 8);
}

export function patch32(at: u32, value: u32): void {
  for (let byte: u32 = 0; byte < 4; byte++) patch8(at + byte, value >> (byte << 3));
}

export function byteAt(at: u32): u32 {
  return load<u8>(bufferAddress(at));
}

/** Makes the `length` bytes from `at` on sum up to 0 (modulo 256) by the byte at `checksum`, which lies among them. */
export function writeChecksum(at: u32, length: u32, checksum: u32): void {
  patch8(checksum, 0);
  let sum: u32 = 0;
  for (let i: u32 = 0; i < length; i++) sum += byteAt(at + i);
  patch8(checksum, 0 - sum);
}
