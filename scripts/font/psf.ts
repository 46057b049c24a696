// Fonts of the Linux console: PSF version 1, 8 pixels wide (kbd's documentation, doc/font-formats).

const MAGIC = 0x0436;
const HEADER_SIZE = 4;
const MODE_512 = 0x01;
const MODE_HAS_TABLE = 0x02;
/** In the table: ends a glyph's list; begins a sequence of characters, which is of no use here. */
const SEPARATOR = 0xffff;
const SEQUENCE = 0xfffe;

export interface Font {
  /** Bytes of a glyph, one for each line of pixels; the highest bit is the leftmost. */
  height: number;
  glyphOf(character: number): Buffer;
}

/** Throws if the font is of another kind, or lacks a character when asked for it. */
export function parsePsf(bytes: Buffer): Font {
  if (bytes.length < HEADER_SIZE || bytes.readUInt16LE(0) !== MAGIC) throw new Error("not a PSF font of version 1");
  const mode = bytes.readUInt8(2);
  const height = bytes.readUInt8(3);
  const count = (mode & MODE_512) === 0 ? 256 : 512;
  const glyphs = bytes.subarray(HEADER_SIZE, HEADER_SIZE + count * height);
  if (glyphs.length < count * height) throw new Error("the font ends within its glyphs");
  const indices = (mode & MODE_HAS_TABLE) === 0 ? null : readTable(bytes.subarray(HEADER_SIZE + count * height));
  return {
    height,
    glyphOf: (character) => {
      const index = indices === null ? character : indices.get(character);
      if (index === undefined || index >= count) throw new Error(`the font has no character ${character}`);
      return glyphs.subarray(index * height, (index + 1) * height);
    },
  };
}

/** The glyph of each character. */
function readTable(table: Buffer): Map<number, number> {
  const indices = new Map<number, number>();
  let glyph = 0;
  let inSequence = false;
  for (let at = 0; at + 2 <= table.length; at += 2) {
    const word = table.readUInt16LE(at);
    if (word === SEPARATOR) {
      glyph++;
      inSequence = false;
    } else if (word === SEQUENCE) {
      inSequence = true;
    } else if (!inSequence && !indices.has(word)) {
      indices.set(word, glyph);
    }
  }
  return indices;
}
