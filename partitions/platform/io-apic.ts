// I/O APIC: the PIT's edges on pin 2, the clock's level on pin 8 (82093AA data sheet).

import { check, checkTrue } from "../conformance/check";
import { readMemory32, writeMemory32 } from "../runtime/attempt";
import { takeInterrupts } from "../runtime/processor";
import { readClock, writeClock } from "./clock";
import { awaitVector, hasVector, Page } from "./page";
import { program } from "./pit";

const IO_APIC: u64 = 0xfec00000;
const WINDOW: u64 = IO_APIC + 0x10;
const TIMER_ENTRY: u32 = 0x10 + 2 * 2;
const CLOCK_ENTRY: u32 = 0x10 + 2 * 8;
const EDGE_VECTOR: u32 = 0x51;
const LEVEL_VECTOR: u32 = 0x62;
const LEVEL: u32 = 1 << 15;
const REMOTE_IRR: u32 = 1 << 14;
const MASKED: u32 = 1 << 16;
const HOURS_24: u32 = 0x02;
const PERIODIC: u32 = 0x40;

const scratch: usize = memory.data(8, 8);

export function readIoApic(index: u32): u32 {
  writeMemory32(IO_APIC, index);
  readMemory32(WINDOW, scratch);
  return load<u32>(scratch);
}

export function writeIoApic(index: u32, value: u32): void {
  writeMemory32(IO_APIC, index);
  writeMemory32(WINDOW, value);
}

function checkEdge(): void {
  writeIoApic(TIMER_ENTRY, EDGE_VECTOR);
  program(0, 2 << 1, 1193);
  for (let tick = 0; tick < 3; tick++) awaitVector(EDGE_VECTOR);
  writeIoApic(TIMER_ENTRY, MASKED | EDGE_VECTOR);
  program(0, 0, 0);
  checkTrue("I/O APIC edge clears TMR", !hasVector(Page.TriggerMode, EDGE_VECTOR));
  takeInterrupts(EDGE_VECTOR);
}

/** The line stays high until register C is read. */
function checkLevel(): void {
  writeIoApic(CLOCK_ENTRY, LEVEL | LEVEL_VECTOR);
  writeClock(0x0a, 0x26);
  writeClock(0x0b, HOURS_24 | PERIODIC);
  awaitVector(LEVEL_VECTOR);
  checkTrue("I/O APIC level sets TMR", hasVector(Page.TriggerMode, LEVEL_VECTOR));
  check("I/O APIC remote IRR", readIoApic(CLOCK_ENTRY), LEVEL | REMOTE_IRR | LEVEL_VECTOR);
  writeClock(0x0b, HOURS_24);
  readClock(0x0c);
  awaitVector(LEVEL_VECTOR); // came again, since the line was high at the end of the first
  check("I/O APIC end of interrupt", readIoApic(CLOCK_ENTRY), LEVEL | LEVEL_VECTOR);
  writeIoApic(CLOCK_ENTRY, MASKED);
}

export function checkIoApic(): void {
  checkEdge();
  checkLevel();
}
