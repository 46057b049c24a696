// Frequency of the time-stamp counter, measured. CPUID 15h and 16h are not asked: emulators and some parts state there
// what is not so.

import { pause, rdtsc } from "../../kernel/cpu/processor";
import { clockNanoseconds, readClock, ReferenceClock, startClock } from "./reference-clock";
import { setTscFrequency, tscFrequency } from "../../drivers/tsc";

const NANOSECONDS: u64 = 1_000_000_000;
/** Length of one run. The PIT wraps after 54 ms. */
const RUN_NANOSECONDS: u64 = 10_000_000;
const RUNS: u32 = 5;
/** Attempts to read clock and TSC close together; the closest pair counts. */
const PAIR_ATTEMPTS: u32 = 4;
/** A run that has not ended after so many TSC counts (0.8 s at 5 GHz) has a clock that stands still. */
const RUN_LIMIT_COUNTS: u64 = 1 << 32;
/** The same limit for a TSC that stands still; each look takes about 1 us. */
const RUN_LIMIT_LOOKS: u32 = 500_000;

// The pair that readPair() took.
let pairClock: u64 = 0;
let pairTsc: u64 = 0;
let pairWidth: u64 = 0;

// The run that measure() made.
let runFrequency: u64 = 0;
let runWidth: u64 = 0;

let frequency: u64 = 0;
let clockUsed: ReferenceClock = ReferenceClock.None;

/** Hz, as tscFrequency() then says it too; 0 if no clock of the machine moved. */
export function calibrateTsc(): u64 {
  setTscFrequency(measureTsc());
  return tscFrequency();
}

function measureTsc(): u64 {
  clockUsed = ReferenceClock.None;
  frequency = 0;
  if (tryClock(ReferenceClock.PmTimer)) return frequency;
  if (tryClock(ReferenceClock.Hpet)) return frequency;
  if (tryClock(ReferenceClock.Pit)) return frequency;
  return 0;
}

/** The clock that the frequency was measured against. */
export function calibrationClock(): ReferenceClock { return clockUsed; }

/** Takes the run whose two pairs of readings were closest: what interrupts a pair (SMM, a host) widens it. */
function tryClock(clock: ReferenceClock): bool {
  if (!startClock(clock)) return false;
  let narrowest = u64.MAX_VALUE;
  for (let run: u32 = 0; run < RUNS; run++) {
    if (!measure(clock)) return false;
    if (runWidth >= narrowest) continue;
    narrowest = runWidth;
    frequency = runFrequency;
  }
  clockUsed = clock;
  return true;
}

/** One run; false if the clock or the TSC stood still. */
function measure(clock: ReferenceClock): bool {
  readPair(clock);
  const startClockCount = pairClock;
  const startTsc = pairTsc;
  const startWidth = pairWidth;
  let looks: u32 = 0;
  while (clockNanoseconds(startClockCount, readClock(clock)) < RUN_NANOSECONDS) {
    if (rdtsc() - startTsc > RUN_LIMIT_COUNTS || ++looks > RUN_LIMIT_LOOKS) return false;
    pause();
  }
  readPair(clock);
  const elapsed = clockNanoseconds(startClockCount, pairClock);
  const counts = pairTsc - startTsc;
  if (elapsed == 0 || counts == 0) return false;
  runFrequency = (counts * NANOSECONDS) / elapsed;
  runWidth = startWidth + pairWidth;
  return true;
}

/** Reads the clock with the TSC before and after it, and takes the middle of the closest of several attempts. */
function readPair(clock: ReferenceClock): void {
  pairWidth = u64.MAX_VALUE;
  for (let attempt: u32 = 0; attempt < PAIR_ATTEMPTS; attempt++) {
    const before = rdtsc();
    const count = readClock(clock);
    const width = rdtsc() - before;
    if (width >= pairWidth) continue;
    pairWidth = width;
    pairClock = count;
    pairTsc = before + (width >> 1);
  }
}
