// APIC timer: modes and changes between them (SDM 3A 11.5.4).

import { check, checkTrue } from "../conformance/check";
import { readMsr, writeMsr } from "../runtime/attempt";
import { tscFrequency } from "../runtime/clock";
import { rdtsc, takeInterrupts } from "../runtime/processor";
import { checkElapsed } from "./elapsed";
import { awaitVector, MASKED, Page, readPage, writePage } from "./page";

const VECTOR: u32 = 0xd2;
const PERIODIC: u32 = 1 << 17;
const TSC_DEADLINE: u32 = 2 << 17;
const MSR_TSC_DEADLINE: u32 = 0x6e0;
const DIVIDE_BY_1: u32 = 0b1011;

const scratch: usize = memory.data(8, 8);

function checkCounting(): void {
  const count = <u32>(tscFrequency() / 200); // 5 ms
  writePage(Page.Divide, DIVIDE_BY_1);
  writePage(Page.LvtTimer, VECTOR);
  const once = rdtsc();
  writePage(Page.InitialCount, count);
  awaitVector(VECTOR);
  checkElapsed("APIC timer one-shot", once, 1, 200);
  check("APIC timer stays at 0", readPage(Page.CurrentCount), 0);
  writePage(Page.LvtTimer, PERIODIC | VECTOR);
  check("APIC timer mode change starts nothing", readPage(Page.CurrentCount), 0);
  const periods = rdtsc();
  writePage(Page.InitialCount, count);
  for (let period = 0; period < 4; period++) awaitVector(VECTOR);
  checkElapsed("APIC timer periodic", periods, 4, 200);
  writePage(Page.LvtTimer, VECTOR); // goes on to the end of this period
  awaitVector(VECTOR);
  check("APIC timer periodic to one-shot", readPage(Page.CurrentCount), 0);
  writePage(Page.LvtTimer, MASKED | VECTOR);
  writePage(Page.InitialCount, 1);
  check("APIC timer masked", takeInterrupts(VECTOR), 0);
}

function checkDeadline(): void {
  writePage(Page.LvtTimer, TSC_DEADLINE | VECTOR);
  const start = rdtsc();
  writeMsr(MSR_TSC_DEADLINE, start + tscFrequency() / 200);
  writePage(Page.InitialCount, 5);
  check("APIC timer has no count in deadline mode", readPage(Page.CurrentCount), 0);
  awaitVector(VECTOR);
  checkElapsed("TSC deadline", start, 1, 200);
  readMsr(MSR_TSC_DEADLINE, scratch);
  check("TSC deadline is 0 after it", load<u64>(scratch), 0);
  writeMsr(MSR_TSC_DEADLINE, start);
  awaitVector(VECTOR);
  writeMsr(MSR_TSC_DEADLINE, u64.MAX_VALUE >> 1);
  writePage(Page.LvtTimer, VECTOR);
  readMsr(MSR_TSC_DEADLINE, scratch);
  checkTrue("TSC deadline disarmed by a mode change", load<u64>(scratch) == 0);
}

export function checkLocalTimer(): void {
  checkCounting();
  checkDeadline();
}
