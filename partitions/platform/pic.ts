// The 8259A pair in virtual-wire mode.

import { takeInterrupts, waitForInterrupt } from "../runtime/processor";
import { MASKED, Page, writePage } from "./page";
import { output } from "./port";

const MASTER: u32 = 0x20;
const SLAVE: u32 = 0xa0;
export const TIMER_VECTOR: u32 = 0x30;
export const CLOCK_VECTOR: u32 = 0x38;
const END_OF_INTERRUPT: u32 = 0x20;
const CASCADE: u32 = 2;

function initialise(command: u32, base: u32, cascade: u32): void {
  output(command, 0x11);
  output(command + 1, base);
  output(command + 1, cascade);
  output(command + 1, 1);
}

export function maskPic(): void {
  output(MASTER + 1, 0xff);
  output(SLAVE + 1, 0xff);
  writePage(Page.LvtLint0, MASKED);
}

export function startPic(): void {
  initialise(MASTER, TIMER_VECTOR, 1 << CASCADE);
  initialise(SLAVE, CLOCK_VECTOR, CASCADE);
}

/** Lets one line through, and the cascade for those of the slave. */
export function unmaskLine(irq: u32): void {
  const lines = ~((<u32>1) << irq | (irq >= 8 ? 1 << CASCADE : 0));
  output(MASTER + 1, lines & 0xff);
  output(SLAVE + 1, lines >> 8 & 0xff);
}

/** Sleeps until `vector` has come and ends it. */
export function awaitPic(vector: u32): void {
  while (takeInterrupts(vector) == 0) waitForInterrupt();
  if (vector >= CLOCK_VECTOR) output(SLAVE, END_OF_INTERRUPT);
  output(MASTER, END_OF_INTERRUPT);
}
