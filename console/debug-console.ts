// Debug console at port 0xE9 of Bochs ("port E9 hack") and QEMU (isa-debugcon), which reads back its port number.

import { in8, out8 } from "./imports";

const DEBUG_CONSOLE: u16 = 0xe9;

export function isPresent(): bool {
  return in8(DEBUG_CONSOLE) == 0xe9;
}

export function put(byte: u8): void {
  out8(DEBUG_CONSOLE, byte);
}
