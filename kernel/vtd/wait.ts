// Bounded waits for a unit: about a second by the TSC, or a number of looks where the TSC stands still.

import { tscFrequency } from "../../drivers/tsc";
import { pause, rdtsc } from "../cpu/processor";

/** Looks at a register before a wait ends; each takes about a microsecond. */
const LOOKS: u32 = 1_000_000;
/** TSC counts that stand for a second until the frequency is known. */
const UNKNOWN_SECOND: u64 = 1 << 31;

let start: u64 = 0;
let looks: u32 = 0;

/** TSC counts of a second. */
export function oneSecond(): u64 {
  const frequency = tscFrequency();
  return frequency != 0 ? frequency : UNKNOWN_SECOND;
}

export function startWait(): void {
  start = rdtsc();
  looks = 0;
}

/** False when the wait that began with startWait() has lasted long enough; else pauses. */
export function mayWait(): bool {
  if (++looks > LOOKS || rdtsc() - start > oneSecond()) return false;
  pause();
  return true;
}
