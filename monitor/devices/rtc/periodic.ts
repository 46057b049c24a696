// Periodic interrupt: the end of a period of the divider chain (MC146818A data sheet, "Periodic Interrupt Selection").

import { ticksAt, tscOfTick } from "../clock";
import { NEVER } from "../deadlines";
import { Cmos, cmos, isDividerReset, RegisterA } from "./cmos";

const CRYSTAL: u64 = 32768; // Hz

/** Periods that have ended since start() and are settled. */
let settled: u64 = 0;

function rate(): u32 {
  return cmos(Cmos.RegisterA) & RegisterA.RateMask;
}

function hasPeriods(): bool {
  return rate() != 0 && !isDividerReset();
}

/** Periods that have ended since start(). Rates 1 and 2 are those of 8 and 9: 256 and 128 Hz. */
function periodsAt(tsc: u64): u64 {
  return ticksAt(tsc, CRYSTAL) >> shift();
}

/** log2 of crystal ticks in a period. */
function shift(): u64 {
  const selected = rate();
  return selected <= 2 ? selected + 6 : selected - 1;
}

/** Register A was written: what ended before is of no interest. */
export function restartPeriods(tsc: u64): void {
  settled = hasPeriods() ? periodsAt(tsc) : 0;
}

/** Whether a period has ended since the last call. */
export function takePeriod(tsc: u64): bool {
  if (!hasPeriods()) return false;
  const ended = periodsAt(tsc);
  if (ended == settled) return false;
  settled = ended;
  return true;
}

/** TSC at which the current period ends, or NEVER. */
export function nextPeriod(tsc: u64): u64 {
  return hasPeriods() ? tscOfTick((periodsAt(tsc) + 1) << shift(), CRYSTAL) : NEVER;
}
