// The screen among the consoles. Only core 0 knows of it and maps it; other cores' lines reach it through their rings.

import { openScreen as openFramebuffer } from "../../drivers/framebuffer";
import { attach, isOpen, open } from "../../drivers/framebuffer-terminal";

let address: u64 = 0;
let pitch: u32 = 0;
let width: u32 = 0;
let height: u32 = 0;
let bits: u32 = 0;
let type: u32 = 0;

/** The screen lies there, within reach, and has this form (Multiboot2 3.6.12); `at` 0: there is none. */
export function placeScreen(at: u64, linePitch: u32, columns: u32, rows: u32, pixelBits: u32, screenType: u32): void {
  address = at;
  pitch = linePitch;
  width = columns;
  height = rows;
  bits = pixelBits;
  type = screenType;
}

/** Takes the screen over, once; false if there is none that can be used. */
export function openScreen(): bool {
  if (address == 0 || isOpen()) return address != 0;
  return open(address, pitch, width, height, bits, type);
}

/** Takes over a screen that is in use; see attach() of the terminal. */
export function attachScreen(shown: u64, cursor: u32): void {
  if (openFramebuffer(address, pitch, width, height, bits, type)) attach(shown, cursor);
}

export function isScreenPlaced(): bool { return address != 0; }
