// The clock of known frequency that the TSC is measured against: PM timer, HPET or PIT, in this order.

import * as hpetTimer from "./hpet-timer";
import * as pit from "./pit";
import * as pmTimer from "./pm-timer";

export const enum ReferenceClock {
  None = 0,
  PmTimer = 1,
  Hpet = 2,
  Pit = 3,
}

const NANOSECONDS: u64 = 1_000_000_000;
const FEMTOSECONDS_IN_NANOSECOND: u64 = 1_000_000;

let mask: u64 = 0;
/** Nanoseconds of `denominator` counts. */
let numerator: u64 = 0;
let denominator: u64 = 1;

/** Starts a clock; false if the machine has none of this kind. */
export function startClock(clock: ReferenceClock): bool {
  switch (clock) {
    case ReferenceClock.PmTimer: return pmTimer.isPresent() && use(pmTimer.counterMask(), NANOSECONDS, pmTimer.PM_TIMER_FREQUENCY);
    case ReferenceClock.Hpet: return hpetTimer.start() && use(hpetTimer.COUNTER_MASK, hpetTimer.period(), FEMTOSECONDS_IN_NANOSECOND);
    case ReferenceClock.Pit:
      pit.start();
      return use(pit.COUNTER_MASK, NANOSECONDS, pit.PIT_FREQUENCY);
    default: return false;
  }
}

function use(counterMask: u64, nanoseconds: u64, counts: u64): bool {
  mask = counterMask;
  numerator = nanoseconds;
  denominator = counts;
  return true;
}

export function readClock(clock: ReferenceClock): u64 {
  switch (clock) {
    case ReferenceClock.PmTimer: return pmTimer.counter();
    case ReferenceClock.Hpet: return hpetTimer.counter();
    default: return pit.counter();
  }
}

/** Nanoseconds from one reading of the clock that was started to a later one, which lie less than a second and one wrap apart. */
export function clockNanoseconds(from: u64, to: u64): u64 {
  return (((to - from) & mask) * numerator) / denominator;
}
