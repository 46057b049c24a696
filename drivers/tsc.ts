// The frequency of the time-stamp counter, and waits by it.

import { pause, rdtsc } from "../kernel/cpu/processor";

let frequency: u64 = 0;

/** Hz, as setTscFrequency() said. */
export function tscFrequency(): u64 { return frequency; }

export function setTscFrequency(hertz: u64): void {
  frequency = hertz;
}

/** Waits; needs the frequency. */
export function delayMicroseconds(microseconds: u64): void {
  const end = rdtsc() + (microseconds * frequency) / 1_000_000;
  while (rdtsc() < end) pause();
}
