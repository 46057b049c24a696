// Letters on the screen that the loader set up: a linear framebuffer of 24 or 32 bits a pixel, or text as EGA has it.

import { ScreenType } from "../kernel/console/interface";
import { fontLoad8, screenStore16, screenStore64, screenStore8 } from "./imports";

// framebuffer-font.bin (scripts/font/): ASCII from the blank to the tilde. A byte of a glyph is a line of pixels, whose highest
// bit is the leftmost.
const FIRST_CHARACTER: u8 = 0x20;
const LAST_CHARACTER: u8 = 0x7e;
const GLYPH_WIDTH: u32 = 8;
const GLYPH_HEIGHT: u32 = 16;

const MAXIMUM_COLUMNS: u32 = 240;
const MAXIMUM_ROWS: u32 = 80;
export const MAXIMUM_CELLS: u32 = MAXIMUM_COLUMNS * MAXIMUM_ROWS;

const UNKNOWN: u8 = 0x3f; // a question mark
/** Grey has the same value in each colour, so that their order does not matter. */
const PIXEL: u64 = 0x00aaaaaa;
const COLOUR: u8 = 0xaa;
/** Grey on black. */
const TEXT_ATTRIBUTE: u16 = 0x0700;

let isReady: bool = false;
let pitch: u64 = 0;
let bytesPerPixel: u32 = 0;
let isText: bool = false;
let columns: u32 = 0;
let rows: u32 = 0;

/** Takes the screen over; false if it is none that this file can write to. Sizes are in pixels, of text in characters. */
export function openScreen(linePitch: u32, width: u32, height: u32, bits: u32, type: u32): bool {
  isReady = false;
  if (type != <u32>ScreenType.Text && (type != <u32>ScreenType.Rgb || (bits != 24 && bits != 32))) return false;
  isText = type == <u32>ScreenType.Text;
  bytesPerPixel = isText ? 2 : bits >> 3;
  if (linePitch < <u64>width * bytesPerPixel) return false;
  columns = min(isText ? width : width / GLYPH_WIDTH, MAXIMUM_COLUMNS);
  rows = min(isText ? height : height / GLYPH_HEIGHT, MAXIMUM_ROWS);
  if (columns == 0 || rows == 0) return false;
  pitch = linePitch;
  isReady = true;
  return true;
}

export function isScreenOpen(): bool { return isReady; }

export function screenColumns(): u32 { return columns; }

export function screenRows(): u32 { return rows; }

/** Shows a character; what the font does not have as a question mark. */
export function drawCell(column: u32, row: u32, character: u8): void {
  if (isText) {
    screenStore16(row * pitch + (column << 1), TEXT_ATTRIBUTE | character);
    return;
  }
  const shown = character >= FIRST_CHARACTER && character <= LAST_CHARACTER ? character : UNKNOWN;
  const glyph = <u32>(shown - FIRST_CHARACTER) * GLYPH_HEIGHT;
  let line = <u64>(row * GLYPH_HEIGHT) * pitch + <u64>(column * GLYPH_WIDTH * bytesPerPixel);
  for (let y: u32 = 0; y < GLYPH_HEIGHT; y++) {
    drawLine(line, fontLoad8(glyph + y));
    line += pitch;
  }
}

/** Eight pixels, the leftmost in the highest bit. */
function drawLine(line: u64, pixels: u32): void {
  for (let x: u32 = 0; x < GLYPH_WIDTH; x += 2) {
    const left = (pixels >> (7 - x)) & 1;
    const right = (pixels >> (6 - x)) & 1;
    if (bytesPerPixel == 4) {
      screenStore64(line + (x << 2), left * PIXEL | (right * PIXEL) << 32);
    } else {
      drawPixel24(line + x * 3, left != 0);
      drawPixel24(line + x * 3 + 3, right != 0);
    }
  }
}

function drawPixel24(at: u64, lit: bool): void {
  const value: u8 = lit ? COLOUR : 0;
  screenStore8(at, value);
  screenStore8(at + 1, value);
  screenStore8(at + 2, value);
}
