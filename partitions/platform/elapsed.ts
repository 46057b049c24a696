// Whether a time measured by the TSC is what a device's frequency says.

import { tscFrequency } from "../runtime/clock";
import { rdtsc } from "../runtime/processor";
import { checkTrue } from "../conformance/check";

/** `ticks` of a clock of `hertz` have passed since `start`, give or take an eighth. */
export function checkElapsed(name: string, start: u64, ticks: u64, hertz: u64): void {
  const elapsed = rdtsc() - start;
  const expected = ticks * tscFrequency() / hertz;
  checkTrue(name, elapsed > expected - expected / 8 && elapsed < expected + expected / 8);
}
