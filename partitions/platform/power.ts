// The ACPI PM timer's event by the SCI (ACPI 5.0 4.8.3.1, 4.8.3.3).

import { check, checkTrue } from "../conformance/check";
import { readPort32, writePort16 } from "../runtime/attempt";
import { rdtsc, takeInterrupts, waitForInterrupt } from "../runtime/processor";
import { checkElapsed } from "./elapsed";
import { writeIoApic } from "./io-apic";
import { awaitVector, MASKED, Page, writePage } from "./page";

const STATUS: u32 = 0x600;
const ENABLE: u32 = 0x602;
const TIMER: u32 = 0x608;
const TIMER_EVENT: u32 = 1 << 0;
const HERTZ: u64 = 3579545;
const HIGHEST_BIT: u32 = 1 << 23;
const SCI_ENTRY: u32 = 0x10 + 2 * 9;
const LEVEL: u32 = 1 << 15;
const VECTOR: u32 = 0x64;

const scratch: usize = memory.data(8, 8);

function read(port: u32): u32 {
  readPort32(port, scratch);
  return load<u32>(scratch);
}

export function checkPower(): void {
  writePort16(STATUS, TIMER_EVENT);
  writeIoApic(SCI_ENTRY, LEVEL | VECTOR);
  writePort16(ENABLE, TIMER_EVENT);
  const start = rdtsc();
  const before = read(TIMER);
  while (takeInterrupts(VECTOR) == 0) waitForInterrupt();
  checkElapsed("PM timer event", start, HIGHEST_BIT - before % HIGHEST_BIT, HERTZ);
  checkTrue("PM timer's highest bit has changed", ((read(TIMER) ^ before) & ~(HIGHEST_BIT - 1)) == HIGHEST_BIT);
  check("PM1 status and enable", read(STATUS), 0x10001);
  writePage(Page.EndOfInterrupt, 0);
  writePort16(ENABLE, 0);
  awaitVector(VECTOR); // came again, since the SCI was asserted at the end of the first
  writePort16(STATUS, TIMER_EVENT);
  check("PM1 status is clear", read(STATUS), 0);
  check("SCI is released", takeInterrupts(VECTOR), 0);
  writeIoApic(SCI_ENTRY, MASKED);
}
