// When each vCPU's monitor must be called next. The platform's timers belong to vCPU 0.

import { MAXIMUM_VCPUS } from "../interface";
import { setDeadline } from "./vcpu-mailbox";

export const NEVER: u64 = u64.MAX_VALUE;
/** TSC ticks between two expiries of one timer, so that a guest gets on whatever period it asks for. */
export const LEAST_PROGRESS: u64 = 1024;

let localTimer: u64 = NEVER; // of vCPU 0
let pit: u64 = NEVER;
let rtc: u64 = NEVER;
let uart: u64 = NEVER;
let disk: u64 = NEVER;
let power: u64 = NEVER;

export function resetDeadlines(): void {
  localTimer = NEVER;
  pit = NEVER;
  rtc = NEVER;
  uart = NEVER;
  disk = NEVER;
  power = NEVER;
  for (let vcpu: u32 = 0; vcpu < MAXIMUM_VCPUS; vcpu++) setDeadline(vcpu, NEVER);
}

function publish(): void {
  setDeadline(0, min(min(min(localTimer, pit), min(rtc, uart)), min(disk, power)));
}

export function setLocalTimerDeadline(vcpu: u32, tsc: u64): void {
  if (vcpu != 0) {
    setDeadline(vcpu, tsc);
    return;
  }
  localTimer = tsc;
  publish();
}

export function setPitDeadline(tsc: u64): void {
  pit = tsc;
  publish();
}

export function setRtcDeadline(tsc: u64): void {
  rtc = tsc;
  publish();
}

export function setUartDeadline(tsc: u64): void {
  uart = tsc;
  publish();
}

export function setDiskDeadline(tsc: u64): void {
  if (tsc == disk) return;
  disk = tsc;
  publish();
}

/** Of the PM timer's event. */
export function setPowerDeadline(tsc: u64): void {
  if (tsc == power) return;
  power = tsc;
  publish();
}

export function pitDeadline(): u64 {
  return pit;
}

export function rtcDeadline(): u64 {
  return rtc;
}

export function uartDeadline(): u64 {
  return uart;
}

export function diskDeadline(): u64 {
  return disk;
}

export function powerDeadline(): u64 {
  return power;
}
