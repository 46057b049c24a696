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

/** Starts a clock; false if the machine has none of this kind. */
export function startClock(clock: ReferenceClock): bool {
  switch (clock) {
    case ReferenceClock.PmTimer: return pmTimer.isPresent();
    case ReferenceClock.Hpet: return hpetTimer.start();
    case ReferenceClock.Pit:
      pit.start();
      return true;
    default: return false;
  }
}

export function readClock(clock: ReferenceClock): u64 {
  switch (clock) {
    case ReferenceClock.PmTimer: return pmTimer.counter();
    case ReferenceClock.Hpet: return hpetTimer.counter();
    default: return pit.counter();
  }
}

/** The counter wraps after this value. */
export function clockMask(clock: ReferenceClock): u64 {
  switch (clock) {
    case ReferenceClock.PmTimer: return pmTimer.counterMask();
    case ReferenceClock.Hpet: return hpetTimer.counterMask();
    default: return pit.counterMask();
  }
}

/** Nanoseconds of `counts`, which span less than a second. */
export function clockNanoseconds(clock: ReferenceClock, counts: u64): u64 {
  switch (clock) {
    case ReferenceClock.PmTimer: return (counts * NANOSECONDS) / pmTimer.PM_TIMER_FREQUENCY;
    case ReferenceClock.Hpet: return (counts * hpetTimer.period()) / FEMTOSECONDS_IN_NANOSECOND;
    default: return (counts * NANOSECONDS) / pit.PIT_FREQUENCY;
  }
}
