// What the kernel says, on any core. Text gathers in a line of this core and goes out when the line is complete:
// on core 0 through the multiplexer, on other cores through their ring to core 0. A core that is about to stop
// writes to the consoles at once.

import { openConsolesForFatal, putByte } from "./devices";
import { putKernelLine } from "./multiplexer";
import { countLostLine, isAttached, putKernelRingByte, putScreenRingByte, signalCore0 } from "./rings";

const LINE_CAPACITY: u32 = 200;
const NEW_LINE: u8 = 0x0a;
const CARRIAGE_RETURN: u8 = 0x0d;
/** Attempts to put a byte into a full ring before its line is given up; core 0 empties rings within milliseconds. */
const RING_ATTEMPTS: u32 = 1_000_000;

const line: usize = memory.data(200);
let length: u32 = 0;
let direct: bool = false;

/** From here on this core writes straight to every console that answers, and nothing gathers any more. */
export function printDirectly(): void {
  if (direct) return;
  direct = true;
  openConsolesForFatal();
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

/** To every console of this core, and through core 0 to the screen, as far as there is room on the way. */
function putDirectly(byte: u8): void {
  putByte(byte);
  if (isAttached()) putScreenRingByte(byte);
}

function endDirectLine(): void {
  putDirectly(CARRIAGE_RETURN);
  putDirectly(NEW_LINE);
  if (isAttached()) signalCore0();
}

/** Prints ASCII text. */
export function print(text: string): void {
  for (let i = 0; i < text.length; i++) printByte(<u8>text.charCodeAt(i));
}

export function printDecimal(value: u64): void {
  let divisor: u64 = 1;
  while (value / divisor >= 10) divisor *= 10;
  for (; divisor > 0; divisor /= 10) printByte(<u8>(0x30 + ((value / divisor) % 10)));
}

/** Prints the low `digits` hexadecimal digits with the prefix 0x. */
export function printHex(value: u64, digits: u32): void {
  print("0x");
  printHexDigits(value, digits);
}

/** Prints the low `digits` hexadecimal digits. */
export function printHexDigits(value: u64, digits: u32): void {
  for (let remaining = digits; remaining > 0; remaining--) {
    const digit = <u8>(value >> ((remaining - 1) << 2)) & 0xf;
    printByte(digit + (digit < 10 ? 0x30 : 0x57));
  }
}

/** Ends the line and sends it. */
export function printLine(): void {
  const complete = length;
  length = 0;
  if (direct) {
    endDirectLine();
  } else if (isAttached()) {
    sendLine(complete);
  } else {
    putKernelLine(line, complete);
  }
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
