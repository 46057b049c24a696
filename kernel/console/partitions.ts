// Console of the partitions: their output by name, and the keyboard, which one of them has at a time.

import { pendingInterrupt, receive, NO_BYTE, UartInterrupt } from "../../drivers/uart16550";
import { identifier, sendFixed } from "../../drivers/local-apic";
import { HostVector } from "../../drivers/vectors";
import { MAXIMUM_PARTITIONS } from "../policy/layout";
import { consoleRoom, flushConsoles, putScreenByte, useInterrupts } from "./devices";
import { KERNEL_SOURCES, nameByte, NOBODY, putSourceByte, setName, showAtOnce } from "./multiplexer";
import { print, printByte, printDecimal, printLine } from "./print";
import {
  acceptSignal, isAttached, NO_ENTRY, putInput, putPartitionRingByte, ringCores, SCREEN_SOURCE, setShown, takeEntry, takeInputByte, takeLostLines,
} from "./rings";
import { onTransmitterEmpty } from "./serial-queue";

/** Ctrl-] gives the keyboard to the next partition. */
const SWITCH_KEY: u8 = 0x1d;
/** Bytes of one core's ring that one call prints, so that a talkative partition cannot keep core 0. */
const DRAIN_LIMIT: u32 = 4096;
/** Room that one byte may need: it can complete a line, which the unfinished line of another partition follows. */
const ROOM_FOR_BYTE: u32 = 1024;
/** Causes that one interrupt of the UART serves, and bytes that it takes: its FIFO and a margin. */
const INTERRUPT_LIMIT: u32 = 64;

/** What takeInput() returns when no byte waits. */
export const NO_INPUT: i32 = -1;

// u32 APIC identifier of the core of each partition
const apicIds: usize = memory.data(64);
/** Bit n: partition n is registered. */
let registered: u32 = 0;
let keyboard: u32 = NOBODY;

/** Core 0: partition `index` exists, has its name at physical address `name` and runs on the core `apicId`. */
export function registerPartition(index: u32, name: u64, apicId: u32): void {
  setName(index, name);
  store<u32>(apicIds + ((<usize>index) << 2), apicId);
  registered |= <u32>1 << index;
}

/** Core 0: partition `index` gets what is typed. */
export function giveKeyboard(index: u32): void {
  keyboard = index;
  setShown(index);
  showAtOnce(index);
}

/** Core 0: COM1 raises HostVector.ConsoleInput from now on. */
export function startInput(): void {
  useInterrupts();
}

/** Takes one byte of output of a partition of this core; false if there is no room for it now. */
export function putPartitionByte(partition: u32, byte: u8): bool {
  if (isAttached()) return putPartitionRingByte(partition, byte);
  putSourceByte(partition, byte);
  return true;
}

/** Next byte typed for a partition of this core, or NO_INPUT. */
export function takeInput(partition: u32): i32 {
  const byte = takeInputByte(partition);
  return byte == NO_ENTRY ? NO_INPUT : <i32>byte;
}

/**
 * Core 0: prints what the other cores put into their rings, as far as the consoles take it without a wait; the rest follows
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
  print("core ");
  printDecimal(core);
  print(": the console was too slow, lines lost: ");
  printDecimal(lost);
  printLine();
}

/** Core 0, when the system ends: prints all that the rings hold and waits until it is out. */
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

/** Core 0: serves COM1, whose interrupts come for input and for output; the caller signals the end of the interrupt. */
export function onInputInterrupt(): void {
  for (let count: u32 = 0; count < INTERRUPT_LIMIT; count++) {
    const cause = pendingInterrupt();
    if (cause == UartInterrupt.None) break;
    if (cause == UartInterrupt.Received) takeTyped();
    else if (cause == UartInterrupt.TransmitterEmpty) onTransmitterEmpty();
  }
  if (drainRings()) sendFixed(identifier(), HostVector.Mailbox);
}

function takeTyped(): void {
  for (let count: u32 = 0; count < INTERRUPT_LIMIT; count++) {
    const byte = receive();
    if (byte == NO_BYTE) break;
    if (<u8>byte == SWITCH_KEY) {
      switchKeyboard();
    } else if (keyboard != NOBODY) {
      putInput(keyboard, <u8>byte);
      sendFixed(load<u32>(apicIds + (<usize>keyboard << 2)), HostVector.Mailbox);
    }
  }
}

function switchKeyboard(): void {
  const next = nextPartition();
  if (next == NOBODY) return;
  showAtOnce(NOBODY);
  print("keyboard: ");
  for (let i: u32 = 0; nameByte(next, i) != 0; i++) printByte(nameByte(next, i));
  printLine();
  giveKeyboard(next);
}

/** Core 0: partition `index` runs no more; if it has the keyboard, the next one gets it. */
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
