// The screen as a console: a cursor, lines that wrap and scroll, escape sequences left out.
//
// What a framebuffer shows is never read back, since reads of it are slow: its characters are kept here, and only those that
// change are drawn. A full screen moves up by a quarter at once, which spares three of four redraws.

import { MAXIMUM_CELLS, drawCell, isScreenOpen, openScreen, screenColumns, screenRows } from "./framebuffer";

const BACKSPACE: u8 = 0x08;
const TAB: u8 = 0x09;
const NEW_LINE: u8 = 0x0a;
const CARRIAGE_RETURN: u8 = 0x0d;
const ESCAPE: u8 = 0x1b;
const BLANK: u8 = 0x20;
const BRACKET: u8 = 0x5b;
const DELETE: u8 = 0x7f;
const TAB_WIDTH: u32 = 8;

/** Where in an escape sequence the output is (ECMA-48 5.4). */
const enum Sequence {
  None = 0,
  Escape = 1,
  /** Behind ESC [, up to a final byte 0x40-0x7e. */
  Control = 2,
}

/** Character of each cell; 0 is unlike any that is drawn. */
const cells: usize = memory.data(19200); // MAXIMUM_CELLS

let column: u32 = 0;
let row: u32 = 0;
let sequence: u32 = Sequence.None;

/** Takes the screen over and clears it; see openScreen(). */
export function open(pitch: u32, width: u32, height: u32, bits: u32, type: u32): bool {
  if (!openScreen(pitch, width, height, bits, type)) return false;
  memory.fill(cells, 0, MAXIMUM_CELLS);
  for (let i: u32 = 0; i < screenRows(); i++) clearRow(i);
  column = 0;
  row = 0;
  sequence = Sequence.None;
  return true;
}

export function isOpen(): bool { return isScreenOpen(); }

export function put(byte: u8): void {
  if (sequence != <u32>Sequence.None || byte == ESCAPE) return passSequence(byte);
  switch (byte) {
    case CARRIAGE_RETURN:
      column = 0;
      return;
    case NEW_LINE:
      return nextRow();
    case BACKSPACE:
      if (column > 0) column--;
      return;
    case TAB:
      column = min((column / TAB_WIDTH + 1) * TAB_WIDTH, screenColumns());
      return;
    default:
      if (byte >= BLANK && byte != DELETE) putCharacter(byte);
  }
}

function passSequence(byte: u8): void {
  if (byte == ESCAPE) sequence = Sequence.Escape;
  else if (sequence == <u32>Sequence.Escape) sequence = byte == BRACKET ? Sequence.Control : Sequence.None;
  else if (byte < BLANK || (byte >= 0x40 && byte != BRACKET)) sequence = Sequence.None;
}

function putCharacter(character: u8): void {
  if (column == screenColumns()) {
    column = 0;
    nextRow();
  }
  setCell(column, row, character);
  column++;
}

function nextRow(): void {
  row++;
  if (row == screenRows()) scroll((screenRows() + 3) >> 2);
}

function cellAt(x: u32, y: u32): usize {
  return cells + y * screenColumns() + x;
}

function setCell(x: u32, y: u32, character: u8): void {
  const cell = cellAt(x, y);
  if (load<u8>(cell) == character) return;
  store<u8>(cell, character);
  drawCell(x, y, character);
}

function clearRow(y: u32): void {
  for (let x: u32 = 0; x < screenColumns(); x++) setCell(x, y, BLANK);
}

function scroll(distance: u32): void {
  for (let y: u32 = distance; y < screenRows(); y++) {
    for (let x: u32 = 0; x < screenColumns(); x++) setCell(x, y - distance, load<u8>(cellAt(x, y)));
  }
  for (let y: u32 = screenRows() - distance; y < screenRows(); y++) clearRow(y);
  row -= distance;
}
