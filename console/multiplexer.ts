// Core 0's view of the screen: lines of the kernel and of all partitions, one after another, each with its source's name.
// Sources are the partitions by their number, and after them the kernel on each core.
//
// A source's line gathers until it is complete. Only the partition that has the keyboard is shown byte by byte, so
// that prompts and echoes appear at once; a line of another source in between breaks its line, which is then shown again.

import { KERNEL_SOURCES, NOBODY } from "../kernel/console/ring-layout";
import { NAME_LENGTH } from "../kernel/policy/layout";
import { putByte } from "./devices";

const LINE_CAPACITY: u32 = 240;
const NEW_LINE: u8 = 0x0a;
const CARRIAGE_RETURN: u8 = 0x0d;

/** Gathered line of one source. */
@unmanaged
class Line {
  /** Bytes gathered. */
  length: u32;
  /** 1 after a carriage return, which is held back until it is clear that no new line follows. */
  returned: u32;
}

const LINE_SIZE: usize = 256;
const TEXT: usize = 16;

// KERNEL_SOURCES + 64 records, one for each core: Line, then LINE_CAPACITY bytes of text
const lines: usize = memory.data(20480);
// MAXIMUM_PARTITIONS names of NAME_LENGTH bytes, zero padded
const names: usize = memory.data(512);

/** Partition whose unfinished line stands on the screen, or NOBODY. */
let open: u32 = NOBODY;
/** Partition that is shown byte by byte, or NOBODY. */
let shown: u32 = NOBODY;

@inline
function lineOf(source: u32): Line { return changetype<Line>(lines + <usize>source * LINE_SIZE); }

@inline
function textOf(source: u32): usize { return lines + <usize>source * LINE_SIZE + TEXT; }

@inline
function nameOf(source: u32): usize { return names + <usize>(source * NAME_LENGTH); }

/** Gives partition `index` its name: NAME_LENGTH bytes. */
export function setName(index: u32, name0: u64, name1: u64, name2: u64, name3: u64): void {
  store<u64>(nameOf(index), name0);
  store<u64>(nameOf(index), name1, 8);
  store<u64>(nameOf(index), name2, 16);
  store<u64>(nameOf(index), name3, 24);
}

/** Letter `index` of a partition's name, 0 after its last one. */
export function nameByte(partition: u32, index: u32): u8 {
  return index < NAME_LENGTH ? load<u8>(nameOf(partition) + index) : 0;
}

/** Shows `partition` byte by byte from now on, with what it has of a line already. */
export function showAtOnce(partition: u32): void {
  breakLine();
  shown = partition;
  reopen();
}

function putText(text: string): void {
  for (let i = 0; i < text.length; i++) putByte(<u8>text.charCodeAt(i));
}

function putBytes(address: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i++) putByte(load<u8>(address + i));
}

function putEndOfLine(): void {
  putByte(CARRIAGE_RETURN);
  putByte(NEW_LINE);
}

function putPrefix(source: u32): void {
  if (source >= KERNEL_SOURCES) {
    putText("[bulkhead] ");
    return;
  }
  putText("[");
  for (let i: u32 = 0; nameByte(source, i) != 0; i++) putByte(nameByte(source, i));
  putText("] ");
}

/** Ends an unfinished line on the screen; its text stays gathered. */
export function breakLine(): void {
  if (open == NOBODY) return;
  putEndOfLine();
  open = NOBODY;
}

/** Shows the unfinished line of the partition that has the keyboard again. */
function reopen(): void {
  if (shown == NOBODY || lineOf(shown).length == 0) return;
  putPrefix(shown);
  putBytes(textOf(shown), lineOf(shown).length);
  open = shown;
}

/** The console itself says `text`, which a name or a number may follow before endKernelLine(). */
export function putKernelText(text: string): void {
  for (let i = 0; i < text.length; i++) putKernelByte(<u8>text.charCodeAt(i));
}

export function putKernelByte(byte: u8): void { putSourceByte(KERNEL_SOURCES, byte); }

export function endKernelLine(): void { putKernelByte(NEW_LINE); }

export function putKernelDecimal(value: u32): void {
  let divisor: u32 = 1;
  while (value / divisor >= 10) divisor *= 10;
  for (; divisor > 0; divisor /= 10) putKernelByte(<u8>(0x30 + ((value / divisor) % 10)));
}

/** Takes one byte of a source's output. */
export function putSourceByte(source: u32, byte: u8): void {
  const current = lineOf(source);
  if (byte == CARRIAGE_RETURN) {
    current.returned = 1;
    return;
  }
  if (byte == NEW_LINE) {
    current.returned = 0;
    completeLine(source);
    return;
  }
  if (current.returned) {
    current.returned = 0;
    restartLine(source);
  }
  if (current.length == LINE_CAPACITY) completeLine(source);
  store<u8>(textOf(source) + current.length, byte);
  current.length++;
  if (source == shown) showByte(source, byte);
}

function showByte(source: u32, byte: u8): void {
  if (open == source) {
    putByte(byte);
    return;
  }
  breakLine();
  reopen();
}

function completeLine(source: u32): void {
  const current = lineOf(source);
  if (open == source) {
    putEndOfLine();
    open = NOBODY;
    current.length = 0;
    return;
  }
  breakLine();
  putPrefix(source);
  putBytes(textOf(source), current.length);
  putEndOfLine();
  current.length = 0;
  reopen();
}

/** A carriage return alone: the line is written over on the screen, and kept where only whole lines are shown. */
function restartLine(source: u32): void {
  const current = lineOf(source);
  if (current.length == 0) return;
  if (open != source) {
    completeLine(source);
    return;
  }
  current.length = 0;
  putByte(CARRIAGE_RETURN);
  putPrefix(source);
}
