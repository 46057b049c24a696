// Console of the partitions: their output by name, and the keyboard, which one of them has at a time.

import { CALL_AGAIN } from "../kernel/console/interface";
import { KERNEL_SOURCES, NOBODY, NO_ENTRY, SCREEN_SOURCE } from "../kernel/console/ring-layout";
import { MAXIMUM_PARTITIONS } from "../kernel/policy/layout";
import { consoleRoom, flushConsoles, putScreenByte } from "./devices";
import { endKernelLine, nameByte, putKernelByte, putKernelDecimal, putKernelText, putSourceByte, setName, showAtOnce } from "./multiplexer";
import { acceptSignal, putInput, ringCores, setShown, takeEntry, takeLostLines } from "./rings";
import { onTransmitterEmpty } from "./serial-queue";
import { NO_BYTE, UartInterrupt, pendingInterrupt, receive } from "./uart16550";

/** Ctrl-] gives the keyboard to the next partition. */
const SWITCH_KEY: u8 = 0x1d;
/** Bytes of one core's ring that one call prints, so that a talkative partition cannot keep core 0. */
const DRAIN_LIMIT: u32 = 4096;
/** Room that one byte may need: it can complete a line, which the unfinished line of another partition follows. */
const ROOM_FOR_BYTE: u32 = 1024;
/** Causes that one interrupt of the UART serves, and bytes that it takes: its FIFO and a margin. */
const INTERRUPT_LIMIT: u32 = 64;

/** Bit n: partition n is registered. */
let registered: u32 = 0;
let keyboard: u32 = NOBODY;

/** Partition `index` exists; see setName(). */
export function registerPartition(index: u32, name0: u64, name1: u64, name2: u64, name3: u64): void {
  setName(index, name0, name1, name2, name3);
  registered |= <u32>1 << index;
}

/** Partition `index` gets what is typed. */
export function giveKeyboard(index: u32): void {
  keyboard = index;
  setShown(index);
  showAtOnce(index);
}

/**
 * Prints what the other cores put into their rings, as far as the consoles take it without a wait; the rest follows
 * with the interrupts of COM1. True if the caller is to call again, because there was more than one call prints.
 */
export function drainRings(): bool {
  let again = false;
  for (let core: u32 = 1; core < ringCores(); core++) {
    acceptSignal(core);
    if (drainRing(core)) again = true;
    reportLostLines(core);
  }
  return again;
}

function reportLostLines(core: u32): void {
  const lost = takeLostLines(core);
  if (lost == 0) return;
  putKernelText("core ");
  putKernelDecimal(core);
  putKernelText(": the console was too slow, lines lost: ");
  putKernelDecimal(lost);
  endKernelLine();
}

/** When the system ends: prints all that the rings hold and waits until it is out. */
export function drainCompletely(): void {
  for (let core: u32 = 1; core < ringCores(); core++) {
    while (drainRing(core) || consoleRoom() < ROOM_FOR_BYTE) flushConsoles();
  }
  flushConsoles();
}

function drainRing(core: u32): bool {
  for (let count: u32 = 0; count < DRAIN_LIMIT; count++) {
    if (consoleRoom() < ROOM_FOR_BYTE) return false;
    const entry = takeEntry(core);
    if (entry == NO_ENTRY) return false;
    const source = entry >> 8;
    if (source == SCREEN_SOURCE) putScreenByte(<u8>entry);
    // A core can speak for partitions and for itself, not for the kernel on another core.
    if (source < MAXIMUM_PARTITIONS || source == KERNEL_SOURCES + core) putSourceByte(source, <u8>entry);
  }
  return true;
}

/** Serves COM1, whose interrupts come for input and for output; see interrupt(). */
export function onInterrupt(): u32 {
  let signals: u32 = 0;
  for (let count: u32 = 0; count < INTERRUPT_LIMIT; count++) {
    const cause = pendingInterrupt();
    if (cause == UartInterrupt.None) break;
    if (cause == UartInterrupt.Received) signals |= takeTyped();
    else if (cause == UartInterrupt.TransmitterEmpty) onTransmitterEmpty();
  }
  return drainRings() ? signals | CALL_AGAIN : signals;
}

/** Bit n of the result: something was typed for partition n. */
function takeTyped(): u32 {
  let signals: u32 = 0;
  for (let count: u32 = 0; count < INTERRUPT_LIMIT; count++) {
    const byte = receive();
    if (byte == NO_BYTE) break;
    if (<u8>byte == SWITCH_KEY) {
      switchKeyboard();
    } else if (keyboard != NOBODY) {
      putInput(keyboard, <u8>byte);
      signals |= <u32>1 << keyboard;
    }
  }
  return signals;
}

function switchKeyboard(): void {
  const next = nextPartition();
  if (next == NOBODY) return;
  showAtOnce(NOBODY);
  putKernelText("keyboard: ");
  for (let i: u32 = 0; nameByte(next, i) != 0; i++) putKernelByte(nameByte(next, i));
  endKernelLine();
  giveKeyboard(next);
}

/** Partition `index` runs no more; if it has the keyboard, the next one gets it. */
export function withdrawPartition(index: u32): void {
  const bit = <u32>1 << index;
  if (!(registered & bit)) return;
  registered &= ~bit;
  if (keyboard == index) switchKeyboard();
}

/** The registered partition after the one that has the keyboard, in a circle. */
function nextPartition(): u32 {
  const from = keyboard == NOBODY ? MAXIMUM_PARTITIONS - 1 : keyboard;
  for (let step: u32 = 1; step <= MAXIMUM_PARTITIONS; step++) {
    const candidate = (from + step) % MAXIMUM_PARTITIONS;
    if (registered & (<u32>1 << candidate)) return candidate;
  }
  return NOBODY;
}
