// The CRT controller (Motorola 6845, as in the VGA) of a text screen: kernels that write text at 0xb8000 keep the cursor in it and
// read it back. The text is RAM, which nobody shows.

export const enum TextScreenPort { Index = 0x3d4, Data = 0x3d5 }

const REGISTERS: u32 = 32;

const registers: usize = memory.data(32, 8);
let index: u32 = 0;

export function resetTextScreen(): void {
  memory.fill(registers, 0, REGISTERS);
  index = 0;
}

export function readTextScreen(port: u32): u32 {
  return port == <u32>TextScreenPort.Index ? index : load<u8>(registers + index);
}

export function writeTextScreen(port: u32, value: u32): void {
  if (port == <u32>TextScreenPort.Index) index = value & (REGISTERS - 1);
  else store<u8>(registers + index, <u8>value);
}
