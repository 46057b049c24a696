// A screen in simulated memory: what a framebuffer tag says of it, and the letters on it.

import { readFileSync } from "node:fs";
import path from "node:path";
import { projectDirectory } from "../../../scripts/policy/project.ts";

export const GLYPH_WIDTH = 8;
export const GLYPH_HEIGHT = 16;
const FIRST_CHARACTER = 0x20;

export interface ScreenShape {
  address: number;
  pitch: number;
  width: number;
  height: number;
  bits: number;
  /** framebuffer_type: 1 RGB, 2 text. */
  type: number;
}

/** Content of a framebuffer tag (Multiboot2 3.6.12). */
export function framebufferTag(shape: ScreenShape): Buffer {
  const bytes = Buffer.alloc(24);
  bytes.writeBigUInt64LE(BigInt(shape.address), 0);
  bytes.writeUInt32LE(shape.pitch, 8);
  bytes.writeUInt32LE(shape.width, 12);
  bytes.writeUInt32LE(shape.height, 16);
  bytes.writeUInt8(shape.bits, 20);
  bytes.writeUInt8(shape.type, 21);
  return bytes;
}

/** Characters of console/framebuffer-font.bin by the 16 bytes of their glyphs in hexadecimal. */
const GLYPHS = readFileSync(path.join(projectDirectory, "console/framebuffer-font.bin"));
const CHARACTERS = new Map(
  Array.from({ length: GLYPHS.length / GLYPH_HEIGHT }, (_, index) => [
    GLYPHS.subarray(index * GLYPH_HEIGHT, (index + 1) * GLYPH_HEIGHT).toString("hex"),
    String.fromCharCode(FIRST_CHARACTER + index),
  ]),
);

/** How many glyphs differ from each other. */
export const DISTINCT_GLYPHS = CHARACTERS.size;

/** Lines of text on a screen of `columns` by `rows` letters, by whether the pixel at (x, y) is lit; what is no glyph is shown as U+FFFD. */
export function readScreen(columns: number, rows: number, isLit: (x: number, y: number) => boolean): string[] {
  return Array.from({ length: rows }, (_, row) => Array.from({ length: columns }, (_unused, column) => readLetter(column, row, isLit)).join("").trimEnd());
}

function readLetter(column: number, row: number, isLit: (x: number, y: number) => boolean): string {
  let key = "";
  for (let y = 0; y < GLYPH_HEIGHT; y++) {
    let line = 0;
    for (let x = 0; x < GLYPH_WIDTH; x++) line = (line << 1) | (isLit(column * GLYPH_WIDTH + x, row * GLYPH_HEIGHT + y) ? 1 : 0);
    key += line.toString(16).padStart(2, "0");
  }
  return CHARACTERS.get(key) ?? "\ufffd";
}
