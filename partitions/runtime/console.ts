// Text output, eight bytes a hypercall.

@external("machine", "consoleBytes") declare function consoleBytes(bytes: u64): void;

const NEWLINE: u32 = 10;

let buffer: u64 = 0;
let length: u32 = 0;

/** Writes one byte; a line leaves the partition at its end. */
export function printByte(byte: u32): void {
  buffer |= <u64>(byte & 0xff) << <u64>(length * 8);
  length++;
  if (length == 8 || byte == NEWLINE) flush();
}

/** Sends what has been printed but not sent. */
export function flush(): void {
  if (length == 0) return;
  consoleBytes(buffer);
  buffer = 0;
  length = 0;
}

/** ASCII text. */
export function print(text: string): void {
  for (let index = 0; index < text.length; index++) printByte(text.charCodeAt(index));
}

export function printLine(): void {
  printByte(NEWLINE);
}

/** Zero-terminated ASCII text in linear memory. */
export function printBytes(text: usize): void {
  for (let at = text; load<u8>(at) != 0; at++) printByte(load<u8>(at));
}

export function printDecimal(value: u64): void {
  let divisor: u64 = 1;
  while (value / divisor >= 10) divisor *= 10;
  for (; divisor > 0; divisor /= 10) printByte(48 + <u32>(value / divisor % 10));
}

/** Hexadecimal without leading zeros. */
export function printHex(value: u64): void {
  let shift: u64 = 60;
  while (shift > 0 && value >> shift == 0) shift -= 4;
  for (;;) {
    const digit = <u32>(value >> shift) & 15;
    printByte(digit < 10 ? 48 + digit : 87 + digit);
    if (shift == 0) return;
    shift -= 4;
  }
}
