// What a partition's core tells core 0: one frame a partition, written by that core and read by core 0.

import { load32, load64, store32, store64 } from "../memory/physical";
import { EXIT_COUNTERS, exitCount } from "../cpu/backend";
import { PlanPartition, field64 } from "./plan";

export const enum PartitionState { NotStarted = 0, Running = 1, Stopped = 2 }

const enum StatusPage {
  State = 0x00, // u32 PartitionState
  Reason = 0x04, // u32 StopReason
  Restarts = 0x08, // u32
  DeviceGeneration = 0x0c, // u32, counted up when its devices were reset and want to be attached again
  Violations = 0x10, // u64
  Exits = 0x100, // EXIT_COUNTERS u64, published when the partition stops
}

function page(partition: u32): u64 { return field64(partition, PlanPartition.Status); }

export function state(partition: u32): u32 { return load32(page(partition) + StatusPage.State); }
export function setState(partition: u32, value: PartitionState): void { store32(page(partition) + StatusPage.State, value); }
export function stopReason(partition: u32): u32 { return load32(page(partition) + StatusPage.Reason); }
export function restarts(partition: u32): u32 { return load32(page(partition) + StatusPage.Restarts); }
export function setRestarts(partition: u32, value: u32): void { store32(page(partition) + StatusPage.Restarts, value); }
export function deviceGeneration(partition: u32): u32 { return load32(page(partition) + StatusPage.DeviceGeneration); }
export function setDeviceGeneration(partition: u32, value: u32): void { store32(page(partition) + StatusPage.DeviceGeneration, value); }
export function violations(partition: u32): u64 { return load64(page(partition) + StatusPage.Violations); }
export function countViolation(partition: u32): void { store64(page(partition) + StatusPage.Violations, violations(partition) + 1); }
export function exits(partition: u32, reason: u32): u64 { return load64(page(partition) + StatusPage.Exits + <u64>reason * 8); }

/** Leaves the counters and the reason for core 0, the state last. */
export function publishStop(partition: u32, reason: u32): void {
  for (let i: u32 = 0; i < EXIT_COUNTERS; i++) store64(page(partition) + StatusPage.Exits + <u64>i * 8, exitCount(i));
  store32(page(partition) + StatusPage.Reason, reason);
  setState(partition, PartitionState.Stopped);
}
