// The glyphs of a font that the kernel shows on the screen (console/framebuffer.ts).

import type { Font } from "./psf.ts";

/** ASCII from the blank to the tilde. */
export const FIRST_CHARACTER = 0x20;
export const LAST_CHARACTER = 0x7e;
export const GLYPH_HEIGHT = 16;

/** The bytes of console/framebuffer-font.bin: 16 for each character. */
export function kernelGlyphs(font: Font): Buffer {
  if (font.height !== GLYPH_HEIGHT) throw new Error(`the font is ${font.height} pixels high, not ${GLYPH_HEIGHT}`);
  const count = LAST_CHARACTER - FIRST_CHARACTER + 1;
  return Buffer.concat(Array.from({ length: count }, (_, index) => font.glyphOf(FIRST_CHARACTER + index)));
}
