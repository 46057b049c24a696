// Clocks of fixed frequency derived from the TSC since start(), exact and without drift.

import { tscFrequency } from "../configuration";
import { now } from "../imports";

let epoch: u64 = 0; // TSC at start()
let frequency: u64 = 1; // TSC ticks a second

export function resetClock(): void {
  epoch = now();
  frequency = tscFrequency();
}

/** Ticks of a clock of `hertz` that have passed at TSC `tsc`. Whole seconds are split off so that no product overflows. */
export function ticksAt(tsc: u64, hertz: u64): u64 {
  const elapsed = tsc - epoch;
  const seconds = elapsed / frequency;
  return seconds * hertz + ((elapsed - seconds * frequency) * hertz) / frequency;
}

/** First TSC at which ticksAt() gives at least `ticks`. */
export function tscOfTick(ticks: u64, hertz: u64): u64 {
  const seconds = ticks / hertz;
  return epoch + seconds * frequency + ((ticks - seconds * hertz) * frequency + hertz - 1) / hertz;
}
