// From a PSF font to the kernel's glyphs.

import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { FIRST_CHARACTER, GLYPH_HEIGHT, kernelGlyphs, LAST_CHARACTER } from "../../../scripts/font/glyphs.ts";
import { parsePsf } from "../../../scripts/font/psf.ts";
import { projectDirectory } from "../../../scripts/policy/project.ts";

/** 256 glyphs whose bytes are their number; the table gives each the character of the same number but for `moved`. */
function psf(height: number, moved: Record<number, number[]> | null): Buffer {
  const glyphs = Buffer.from(Uint8Array.from({ length: 256 * height }, (_, i) => Math.floor(i / height)));
  const header = Buffer.from([0x36, 0x04, moved === null ? 0 : 2, height]);
  if (moved === null) return Buffer.concat([header, glyphs]);
  const words = Array.from({ length: 256 }, (_, glyph) => [...(moved[glyph] ?? [glyph]), 0xffff]).flat();
  return Buffer.concat([header, glyphs, Buffer.from(Uint16Array.from(words).buffer)]);
}

describe("a PSF font", () => {
  test("without a table has its glyphs in order", () => {
    expect([...parsePsf(psf(2, null)).glyphOf(0x41)]).toEqual([0x41, 0x41]);
    expect(() => parsePsf(psf(2, null)).glyphOf(0x100)).toThrow(/no character 256/);
  });

  test("with a table has a glyph for each character, which may be several", () => {
    const font = parsePsf(psf(1, { 7: [0x41, 0x391], 0x41: [0x2502] }));
    expect([...font.glyphOf(0x41)]).toEqual([7]);
    expect([...font.glyphOf(0x391)]).toEqual([7]);
    expect([...font.glyphOf(0x2502)]).toEqual([0x41]);
    expect(() => font.glyphOf(7)).toThrow(/no character 7/);
  });

  test("with sequences keeps their first parts out", () => {
    const font = parsePsf(psf(1, { 7: [0x61, 0xfffe, 0x62, 0x301], 0x61: [0x100] }));
    expect([...font.glyphOf(0x61)]).toEqual([7]);
    expect([...font.glyphOf(0x62)]).toEqual([0x62]);
  });

  test("that is none is refused", () => {
    expect(() => parsePsf(Buffer.from("PNG"))).toThrow(/not a PSF font/);
    expect(() => parsePsf(psf(16, null).subarray(0, 4000))).toThrow(/ends within its glyphs/);
  });
});

describe("the kernel's glyphs", () => {
  test("are those of the characters from blank to tilde", () => {
    const glyphs = kernelGlyphs(parsePsf(psf(16, null)));
    const characters = Array.from({ length: LAST_CHARACTER - FIRST_CHARACTER + 1 }, (_, index) => FIRST_CHARACTER + index);
    expect([...glyphs]).toEqual(characters.flatMap((character) => Array<number>(GLYPH_HEIGHT).fill(character)));
    expect(readFileSync(path.join(projectDirectory, "console/framebuffer-font.bin"))).toHaveLength(glyphs.length);
  });

  test("need a height of 16 pixels", () => {
    expect(() => kernelGlyphs(parsePsf(psf(8, null)))).toThrow(/8 pixels high/);
  });
});
