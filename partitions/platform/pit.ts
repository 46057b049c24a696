// 8254: interrupts of channel 0 through the PIC, channel 2 by its gate and OUT pin (Intel 8254 data sheet).

import { check, checkTrue } from "../conformance/check";
import { rdtsc } from "../runtime/processor";
import { checkElapsed } from "./elapsed";
import { awaitPic, TIMER_VECTOR, unmaskLine } from "./pic";
import { input, output } from "./port";

const HERTZ: u64 = 1193182;
const CONTROL: u32 = 0x43;
const SYSTEM_CONTROL: u32 = 0x61;
const GATE: u32 = 1;
const OUT: u32 = 1 << 5;
/** 100 Hz, less than 1/1000 off. */
const TEN_MILLISECONDS: u32 = 11932;
const MOST_POLLS: u32 = 1_000_000;

/** `form`: bits 3:0 of the control word, mode and BCD. */
export function program(channel: u32, form: u32, count: u32): void {
  output(CONTROL, channel << 6 | 0x30 | form);
  output(0x40 + channel, count & 0xff);
  output(0x40 + channel, count >> 8);
}

function awaitOutput(): void {
  for (let poll: u32 = 0; poll < MOST_POLLS && (input(SYSTEM_CONTROL) & OUT) == 0; poll++) continue;
}

function checkChannel0(): void {
  unmaskLine(0);
  program(0, 2 << 1, TEN_MILLISECONDS);
  const start = rdtsc();
  for (let tick = 0; tick < 5; tick++) awaitPic(TIMER_VECTOR);
  checkElapsed("PIT rate generator", start, 5 * TEN_MILLISECONDS, HERTZ);
  program(0, 3 << 1, TEN_MILLISECONDS);
  awaitPic(TIMER_VECTOR);
  const wave = rdtsc();
  for (let tick = 0; tick < 2; tick++) awaitPic(TIMER_VECTOR);
  checkElapsed("PIT square wave", wave, 2 * TEN_MILLISECONDS, HERTZ);
  program(0, 0, TEN_MILLISECONDS);
  const once = rdtsc();
  awaitPic(TIMER_VECTOR);
  checkElapsed("PIT terminal count", once, TEN_MILLISECONDS, HERTZ);
}

function checkChannel2(): void {
  output(SYSTEM_CONTROL, GATE);
  program(2, 0, TEN_MILLISECONDS);
  const start = rdtsc();
  checkTrue("PIT channel 2 is low", (input(SYSTEM_CONTROL) & OUT) == 0);
  awaitOutput();
  checkElapsed("PIT channel 2 by port 61", start, TEN_MILLISECONDS, HERTZ);
  program(2, 2 << 1 | 1, 0x5000);
  output(CONTROL, 0xe8);
  check("PIT status in BCD", input(0x42) & 0x3f, 0x35);
  output(CONTROL, 0x80);
  const low = input(0x42);
  const count = input(0x42) << 8 | low;
  checkTrue("PIT counts in BCD", count <= 0x5000 && (count & 0xf) <= 9 && (count >> 4 & 0xf) <= 9 && (count >> 8 & 0xf) <= 9);
}

export function checkPit(): void {
  checkChannel0();
  checkChannel2();
}
