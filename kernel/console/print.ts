// What the kernel says, on any core. Text gathers in a line of this core and goes out when the line is complete:
// on core 0 through the console (console/), on other cores through their ring to core 0. A core that is about to stop
// writes to the consoles at once.

import { emergencyPut } from "../boot/stub";
import { load8 } from "../memory/physical";
import { NAME_LENGTH } from "../policy/layout";
import { beginFatal, faulted, put } from "./console";
import { areRingsClosed, countLostLine, isAttached, putKernelRingByte, putScreenRingByte, signalCore0 } from "./rings";

const LINE_CAPACITY: u32 = 200;
const NEW_LINE: u8 = 0x0a;
const CARRIAGE_RETURN: u8 = 0x0d;
const PERCENT: u8 = 0x25;
const POINT: u8 = 0x2e;
const ZERO: u8 = 0x30;
const NINE: u8 = 0x39;
const COLON: u8 = 0x3a;
/** Letters of the conversions of print(). */
const HEXADECIMAL: u8 = 0x78; // x
const DIGITS: u8 = 0x68; // h
const SOURCE: u8 = 0x73; // s
const NAME: u8 = 0x6e; // n
/** Attempts to put a byte into a full ring before its line is given up; core 0 empties rings within milliseconds. */
const RING_ATTEMPTS: u32 = 1_000_000;

const line: usize = memory.data(208, 8); // LINE_CAPACITY, and the end of the line with zeros up to eight bytes
/** What the conversions of print() stand for. */
const values: usize = memory.data(32, 8);
let length: u32 = 0;
let direct: bool = false;

/** From here on this core writes straight to every console that answers, and nothing gathers any more. */
export function printDirectly(): void {
  if (direct) return;
  direct = true;
  if (!isAttached()) beginFatal();
  endDirectLine();
  const gathered = length;
  length = 0;
  for (let i: u32 = 0; i < gathered; i++) printByte(load<u8>(line + i));
  if (gathered > 0) printLine();
}

export function printByte(byte: u8): void {
  if (direct) {
    if (length == 0) putText("[bulkhead] ");
    length++;
    putDirectly(byte);
    return;
  }
  if (length == LINE_CAPACITY) printLine();
  store<u8>(line + length, byte);
  length++;
}

function putText(text: string): void {
  for (let i = 0; i < text.length; i++) putDirectly(<u8>text.charCodeAt(i));
}

/** Core 0: through the console, until it ends. Another core: by the floor's way, and through core 0 to the screen, as far as there is room. */
function putDirectly(byte: u8): void {
  if (!isAttached()) put(byte);
  if (isAttached() || faulted()) emergencyPut(byte);
  if (isAttached()) putScreenRingByte(byte);
}

function endDirectLine(): void {
  putDirectly(CARRIAGE_RETURN);
  putDirectly(NEW_LINE);
  if (isAttached()) signalCore0();
}

/**
 * Prints ASCII text, in which \n ends the line and each of these stands for the next value: %d in decimal, %12x its low 12
 * hexadecimal digits behind 0x, %4h its low 4 alone, %s a source id (sourceName()), %n the text at a physical address up to a 0.
 */
export function print(text: string, first: u64 = 0, second: u64 = 0, third: u64 = 0, fourth: u64 = 0): void {
  store<u64>(values, first);
  store<u64>(values, second, 8);
  store<u64>(values, third, 16);
  store<u64>(values, fourth, 24);
  let value = values;
  for (let i = 0; i < text.length; i++) {
    const letter = <u8>text.charCodeAt(i);
    if (letter == NEW_LINE) {
      printLine();
    } else if (letter != PERCENT) {
      printByte(letter);
    } else {
      i = printValue(text, i + 1, load<u64>(value));
      value += 8;
    }
  }
}

/** Prints a value as the conversion at `at` of the text says; where the conversion ends. */
function printValue(text: string, at: i32, value: u64): i32 {
  let digits: u32 = 0;
  for (; at < text.length && <u8>text.charCodeAt(at) <= NINE; at++) digits = digits * 10 + <u8>text.charCodeAt(at) - ZERO;
  const conversion = <u8>text.charCodeAt(at);
  if (conversion == HEXADECIMAL) printHex(value, digits);
  else if (conversion == DIGITS) printHexDigits(value, digits);
  else if (conversion == SOURCE) printSource(<u32>value);
  else if (conversion == NAME) printName(value);
  else printDecimal(value);
  return at;
}

/** A source id as %s of print() takes it. */
export function sourceName(segment: u32, sourceId: u32): u64 {
  return (<u64>segment << 16) | <u64>sourceId;
}

/** Segment, bus:device.function; the segment only where it is not 0. */
function printSource(name: u32): void {
  if (name >> 16 != 0) {
    printHexDigits(name >> 16, 4);
    printByte(COLON);
  }
  printHexDigits((name >> 8) & 0xff, 2);
  printByte(COLON);
  printHexDigits((name >> 3) & 0x1f, 2);
  printByte(POINT);
  printDecimal(name & 7);
}

function printName(address: u64): void {
  for (let i: u64 = 0; i < NAME_LENGTH && load8(address + i) != 0; i++) printByte(load8(address + i));
}

export function printDecimal(value: u64): void {
  let divisor: u64 = 1;
  while (value / divisor >= 10) divisor *= 10;
  for (; divisor > 0; divisor /= 10) printByte(<u8>(0x30 + ((value / divisor) % 10)));
}

/** Prints the low `digits` hexadecimal digits with the prefix 0x. */
export function printHex(value: u64, digits: u32): void {
  printByte(ZERO);
  printByte(HEXADECIMAL);
  printHexDigits(value, digits);
}

/** Prints the low `digits` hexadecimal digits. */
export function printHexDigits(value: u64, digits: u32): void {
  for (let remaining = digits; remaining > 0; remaining--) {
    const digit = <u8>(value >> ((remaining - 1) << 2)) & 0xf;
    printByte(digit + (digit < 10 ? 0x30 : 0x57));
  }
}

/** Prints the rest of a line and ends it. */
export function printRest(text: string): void {
  print(text);
  printLine();
}

/** Ends the line and sends it. */
export function printLine(): void {
  const complete = length;
  length = 0;
  if (direct) {
    endDirectLine();
  } else if (isAttached()) {
    if (areRingsClosed()) putEmergencyLine(complete);
    else sendLine(complete);
  } else {
    putLine(complete);
  }
}

/** Core 0: by the console; a line during which it ends appears by the floor's way. */
function putLine(count: u32): void {
  store<u64>(line + count, NEW_LINE);
  for (let i: u32 = 0; i <= count; i += 8) put(load<u64>(line + i));
  if (faulted()) putEmergencyLine(count);
}

function putEmergencyLine(count: u32): void {
  emergencyText("[bulkhead] ");
  for (let i: u32 = 0; i < count; i++) emergencyPut(load<u8>(line + i));
  emergencyText("\r\n");
}

function emergencyText(text: string): void {
  for (let i = 0; i < text.length; i++) emergencyPut(<u8>text.charCodeAt(i));
}

/** A line that core 0 does not make room for in time is cut short, and counted. */
function sendLine(count: u32): void {
  let sent = true;
  for (let i: u32 = 0; i < count && sent; i++) sent = sendByte(load<u8>(line + i));
  if (!sent || !sendByte(NEW_LINE)) countLostLine();
  signalCore0();
}

function sendByte(byte: u8): bool {
  for (let attempt: u32 = 0; attempt < RING_ATTEMPTS; attempt++) {
    if (putKernelRingByte(byte)) return true;
    signalCore0();
  }
  return false;
}
