// Time-stamp counter and its adjustment, and a deadline that follows it (SDM 3B 18.17).

import { writeMsr } from "../runtime/attempt";
import { sleepUntil, startClock, tscFrequency } from "../runtime/clock";
import { rdtscpAux } from "../runtime/instructions";
import { rdtsc } from "../runtime/processor";
import { check, checkKept, checkTrue, msr } from "./check";

const enum Msr {
  Tsc = 0x10,
  TscAdjust = 0x3b,
  TscAux = 0xc0000103,
}

const FAR: u64 = 100_000_000_000;
/** Sleep, as a part of a second. */
const SHORT: u64 = 200;

export function checkTime(): void {
  check("TSC_ADJUST at the start", msr(Msr.TscAdjust), 0);
  checkAdjustment();
  checkWrite();
  checkTrue("RDTSC and the MSR agree", areClose(msr(Msr.Tsc), rdtsc(), FAR / 100));
  checkKept("TSC_AUX", Msr.TscAux, 0x100);
  writeMsr(Msr.TscAux, 10);
  check("RDTSCP", rdtscpAux(), 10);
  checkDeadline();
}

function checkAdjustment(): void {
  const before = rdtsc();
  writeMsr(Msr.TscAdjust, FAR);
  const after = rdtsc();
  check("TSC_ADJUST reads back", msr(Msr.TscAdjust), FAR);
  checkTrue("TSC_ADJUST moves the counter", after - before >= FAR && after - before < FAR * 2);
  writeMsr(Msr.TscAdjust, 0);
  checkTrue("TSC_ADJUST moves it back", rdtsc() - before < FAR);
}

function checkWrite(): void {
  const before = rdtsc();
  writeMsr(Msr.Tsc, FAR);
  const after = rdtsc();
  checkTrue("TSC write", after >= FAR && after < FAR * 2);
  checkTrue("TSC write moves TSC_ADJUST", areClose(FAR - before, msr(Msr.TscAdjust), FAR));
  writeMsr(Msr.Tsc, 0);
  checkTrue("TSC write of 0", rdtsc() < FAR);
}

/** Whether two numbers are at most `distance` apart. */
function areClose(first: u64, second: u64, distance: u64): bool {
  return (first > second ? first - second : second - first) <= distance;
}

/** The local APIC's deadline is in the guest's time. */
function checkDeadline(): void {
  writeMsr(Msr.Tsc, FAR);
  startClock();
  const start = rdtsc();
  const wanted = start + tscFrequency() / SHORT;
  sleepUntil(wanted);
  const end = rdtsc();
  checkTrue("TSC deadline behind a TSC write", end >= wanted && end - wanted < tscFrequency());
}
