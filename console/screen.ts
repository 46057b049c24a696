// The screen among the consoles. Only core 0 maps it; other cores' lines reach it through their rings.

import { isOpen, open } from "./framebuffer-terminal";

let pitch: u32 = 0;
let width: u32 = 0;
let height: u32 = 0;
let bits: u32 = 0;
let type: u32 = 0;

/** The screen has this form (Multiboot2 3.6.12). */
export function placeScreen(linePitch: u32, columns: u32, rows: u32, pixelBits: u32, screenType: u32): void {
  pitch = linePitch;
  width = columns;
  height = rows;
  bits = pixelBits;
  type = screenType;
}

export function forgetScreen(): void { pitch = 0; }

/** Takes the screen over, once; false if there is none that can be used. */
export function openScreen(): bool { return pitch != 0 && (isOpen() || open(pitch, width, height, bits, type)); }
