// MC146818: periodic, update-ended and alarm interrupts on IRQ 8.

import { check } from "../conformance/check";
import { rdtsc } from "../runtime/processor";
import { checkElapsed } from "./elapsed";
import { awaitPic, CLOCK_VECTOR, unmaskLine } from "./pic";
import { input, output } from "./port";

const INDEX: u32 = 0x70;
const DATA: u32 = 0x71;
const ANY: u32 = 0xff;
const HOURS_24: u32 = 0x02;
const UPDATE: u32 = 0x10;
const ALARM: u32 = 0x20;
const PERIODIC: u32 = 0x40;
const REQUEST: u32 = 0x80;
const DIVIDER: u32 = 0x20;
const RATE_1024: u64 = 1024;
const PERIODS: u64 = 32;

export function readClock(index: u32): u32 {
  output(INDEX, index);
  return input(DATA);
}

export function writeClock(index: u32, value: u32): void {
  output(INDEX, index);
  output(DATA, value);
}

/** One interrupt; returns register C. */
function awaitClock(): u32 {
  awaitPic(CLOCK_VECTOR);
  return readClock(0x0c);
}

function checkPeriodic(): void {
  writeClock(0x0a, DIVIDER | 6);
  writeClock(0x0b, HOURS_24 | PERIODIC);
  readClock(0x0c);
  awaitClock();
  const start = rdtsc();
  for (let period: u64 = 0; period < PERIODS; period++) awaitClock();
  checkElapsed("RTC periodic interrupt", start, PERIODS, RATE_1024);
}

function checkSeconds(): void {
  writeClock(0x0a, DIVIDER);
  for (let alarm: u32 = 1; alarm <= 5; alarm += 2) writeClock(alarm, ANY);
  writeClock(0x0b, HOURS_24 | UPDATE | ALARM);
  readClock(0x0c);
  check("RTC alarm and update", awaitClock(), REQUEST | UPDATE | ALARM);
  check("RTC register C clears", readClock(0x0c), 0);
  writeClock(0x0b, HOURS_24);
}

export function checkClock(): void {
  unmaskLine(8);
  checkPeriodic();
  checkSeconds();
}
