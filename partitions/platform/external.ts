// The PIC pair behind I/O APIC pin 0 and LINT0 (MP specification 3.6.2, SDM 3A 11.5.1).

import { check } from "../conformance/check";
import { takeInterrupts, waitForInterrupt } from "../runtime/processor";
import { readIoApic, writeIoApic } from "./io-apic";
import { MASKED, Page, readPage, writePage } from "./page";
import { awaitPic, maskPic, TIMER_VECTOR, unmaskLine } from "./pic";
import { program } from "./pit";
import { input, output } from "./port";

const PIC_ENTRY: u32 = 0x10;
const EXTINT: u32 = 7 << 8;
const LEVEL: u32 = 1 << 15;
const REMOTE_IRR: u32 = 1 << 14;
const LINT0_VECTOR: u32 = 0x73;
const MASTER: u32 = 0x20;
const POLL: u32 = 0x0c;
const READ_IN_SERVICE: u32 = 0x0b;
const END_OF_INTERRUPT: u32 = 0x20;
const MILLISECOND: u32 = 1193;

function startTimer(): void {
  program(0, 0, MILLISECOND);
}

/** The PIC's vector, and its end of interrupt: the local APIC has nothing to do with it. */
function checkExtInt(): void {
  writeIoApic(PIC_ENTRY, EXTINT);
  for (let tick = 0; tick < 3; tick++) {
    startTimer();
    awaitPic(TIMER_VECTOR);
  }
  check("ExtINT leaves no remote IRR", readIoApic(PIC_ENTRY), EXTINT);
  writeIoApic(PIC_ENTRY, MASKED);
  startTimer();
  output(MASTER, READ_IN_SERVICE);
  check("ExtINT has been ended", input(MASTER), 0);
}

/** The local APIC's vector, until the PIC is acknowledged by a poll. */
function checkLint0(): void {
  writePage(Page.LvtLint0, LEVEL | LINT0_VECTOR);
  startTimer();
  while (takeInterrupts(LINT0_VECTOR) == 0) waitForInterrupt();
  check("LINT0 level sets remote IRR", readPage(Page.LvtLint0), LEVEL | REMOTE_IRR | LINT0_VECTOR);
  output(MASTER, POLL);
  check("LINT0 leaves the PIC to a poll", input(MASTER), 0x80);
  writePage(Page.EndOfInterrupt, 0);
  check("LINT0 end of interrupt", readPage(Page.LvtLint0), LEVEL | LINT0_VECTOR);
  output(MASTER, END_OF_INTERRUPT);
}

export function checkExternal(): void {
  unmaskLine(0);
  checkExtInt();
  checkLint0();
  maskPic();
}
