// Core 0 looks after the consoles of all, and after the VT-d units, from time to time, even if no interrupt of the machine gets through to it;
// so does each core of a partition with several vCPUs after what the others want of it.

import { coreId } from "../boot/stub";
import { onInputInterrupt } from "../console/partitions";
import { rdtsc } from "../cpu/processor";
import { unitCount } from "../vtd/unit";
import { hasFirmware, vcpuCount } from "./current";
import { lookAfterUnits } from "./device-violations";
import { passInput, withdrawStopped } from "./host-interrupts";
import { lookAround } from "./kick";
import { PlanHeader, header32, header64 } from "./plan";

const NEVER: u64 = u64.MAX_VALUE;
/** Looks a second. */
const FREQUENCY: u64 = 100;

let interval: u64 = 0;
let next: u64 = NEVER;

/**
 * To be called before the first VM entry. One core of many that run a partition looks for kicks, and one with firmware for what was typed, since
 * boot loaders wait for keys with interrupts closed; core 0 alone without VT-d has nothing to do.
 */
export function startHousekeeping(): void {
  const isIdle = coreId() != 0 || (header32(PlanHeader.CoreCount) == 1 && unitCount() == 0);
  if (vcpuCount() == 1 && !hasFirmware() && isIdle) return;
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
  if (vcpuCount() > 1) lookAround();
  if (coreId() == 0) onInputInterrupt();
  if (hasFirmware()) passInput();
  if (coreId() != 0) return;
  withdrawStopped();
  lookAfterUnits();
}
