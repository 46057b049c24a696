// Byte ports.

import { readPort8, writePort8 } from "../runtime/attempt";

const scratch: usize = memory.data(8, 8);

export function input(port: u32): u32 {
  readPort8(port, scratch);
  return load<u32>(scratch) & 0xff;
}

export function output(port: u32, value: u32): void {
  writePort8(port, value);
}
