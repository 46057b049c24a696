// A font as source text for the kernel.

import type { Font } from "./psf.ts";

export const FIRST_CHARACTER = 0x20;
export const LAST_CHARACTER = 0x7e;
export const GLYPH_HEIGHT = 16;

const HEADER = `// The letters of the screen: ASCII from the blank to the tilde, 8 by 16 pixels. Made by scripts/font/main.ts from Debian's package
// console-setup-linux (Lat15-Fixed16.psf.gz), whose copyright file says "All console fonts are public domain by nature."

export const FIRST_CHARACTER: u8 = 0x${FIRST_CHARACTER.toString(16)};
export const LAST_CHARACTER: u8 = 0x${LAST_CHARACTER.toString(16)};
/** Bytes of a glyph, one for each line of pixels; the highest bit is the leftmost. */
export const GLYPH_HEIGHT: u32 = ${GLYPH_HEIGHT};
`;

export function assemblyScriptFont(font: Font): string {
  if (font.height !== GLYPH_HEIGHT) throw new Error(`the font is ${font.height} pixels high, not ${GLYPH_HEIGHT}`);
  const lines = [];
  for (let character = FIRST_CHARACTER; character <= LAST_CHARACTER; character++) {
    const bytes = [...font.glyphOf(character)].map((byte) => `0x${byte.toString(16).padStart(2, "0")}`);
    lines.push(`  ${bytes.join(", ")},`);
  }
  return `${HEADER}\nexport const glyphs: usize = memory.data<u8>([\n${lines.join("\n")}\n]);\n`;
}
