// The guest's time-stamp counter: the processor's plus an offset that only this vCPU sees (SDM 3B 18.17.3).

import { AccessStatus, Device } from "../../monitor/interface";
import { setTimeOffset } from "../cpu/backend";
import { Msr } from "../cpu/msr-index";
import { rdtsc } from "../cpu/processor";
import { lastStatus } from "./access-status";
import { currentVcpu, hasDevice } from "./current";
import { msrRead, msrWrite } from "./monitor";
import { enterMonitor } from "./monitor-lock";
import { settleMonitorCall } from "./monitor-call";

/** A deadline that has passed already, but is one. */
const PAST: u64 = 1;

let offset: u64 = 0;
let adjustment: u64 = 0;

export function resetTsc(): void {
  offset = 0;
  adjustment = 0;
  setTimeOffset(0);
}

/** IA32_TSC_ADJUST. */
export function tscAdjustment(): u64 { return adjustment; }

/** A write to IA32_TSC_ADJUST moves the counter by as much as itself. */
export function writeTscAdjustment(value: u64): void {
  move(value - adjustment);
}

/** A write to IA32_TIME_STAMP_COUNTER moves IA32_TSC_ADJUST by as much as the counter. */
export function writeTsc(value: u64): void {
  move(value - (rdtsc() + offset));
}

/** An armed deadline stays at its value, which the guest's counter now reaches at another time. */
function move(distance: u64): void {
  const deadline = guestDeadline(readDeadline());
  offset += distance;
  adjustment += distance;
  setTimeOffset(offset);
  if (deadline == 0) return;
  if (!enterMonitor()) return;
  msrWrite(currentVcpu(), Msr.IA32_TSC_DEADLINE, hostDeadline(deadline));
  settleMonitorCall();
}

function readDeadline(): u64 {
  if (!hasDevice(Device.LocalApic) || !enterMonitor()) return 0;
  const deadline = msrRead(currentVcpu(), Msr.IA32_TSC_DEADLINE);
  settleMonitorCall();
  return lastStatus() == AccessStatus.Done ? deadline : 0;
}

/** IA32_TSC_DEADLINE in the processor's time, which the monitor knows; 0 disarms. */
export function hostDeadline(deadline: u64): u64 {
  if (offset == 0 || deadline == 0) return deadline;
  const now = rdtsc();
  const guestNow = now + offset;
  if (deadline <= guestNow) return PAST;
  const remaining = deadline - guestNow;
  return remaining < u64.MAX_VALUE - now ? now + remaining : u64.MAX_VALUE;
}

/** IA32_TSC_DEADLINE in the guest's time. */
export function guestDeadline(deadline: u64): u64 { return deadline == 0 ? 0 : deadline + offset; }
