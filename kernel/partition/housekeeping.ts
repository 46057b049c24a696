// Core 0 looks after the consoles of all, and after the VT-d units, from time to time, even if no interrupt of the machine gets through to it.

import { coreId } from "../boot/stub";
import { onInputInterrupt } from "../console/partitions";
import { rdtsc } from "../cpu/processor";
import { unitCount } from "../vtd/unit";
import { lookAfterUnits } from "./device-violations";
import { withdrawStopped } from "./host-interrupts";
import { PlanHeader, header32, header64 } from "./plan";

const NEVER: u64 = u64.MAX_VALUE;
/** Looks a second. */
const FREQUENCY: u64 = 100;

let interval: u64 = 0;
let next: u64 = NEVER;

/** To be called before the first VM entry; a core other than 0, or alone without VT-d, has nothing to look after. */
export function startHousekeeping(): void {
  if (coreId() != 0 || (header32(PlanHeader.CoreCount) == 1 && unitCount() == 0)) return;
  interval = header64(PlanHeader.TscFrequency) / FREQUENCY;
  next = rdtsc() + interval;
}

/** TSC of the next look. */
// @ts-ignore: decorator
@inline
export function nextHousekeeping(): u64 { return next; }

export function keepHouse(): void {
  if (rdtsc() < next) return;
  next = rdtsc() + interval;
  onInputInterrupt();
  withdrawStopped();
  lookAfterUnits();
}
