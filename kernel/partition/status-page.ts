// What the cores of a partition share, and tell core 0: one frame a partition, written by its cores and read by core 0.

import { compareExchange32, load32, load64, store32, store64 } from "../memory/physical";
import { MAXIMUM_VCPUS } from "../../monitor/interface";
import { EXIT_COUNTERS, takeExitCount } from "../cpu/backend";
import { PlanPartition, field64 } from "./plan";

export const enum PartitionState { NotStarted = 0, Running = 1, Stopped = 2 }

/** What a vCPU's core does. */
export const enum VcpuState {
  /** It has left the guest and waits in the kernel until the partition starts anew or ends. */
  Resting = 0,
  /** It waits in the kernel for a SIPI. */
  Waiting = 1,
  Running = 2,
  /** In the guest, asleep with interrupts off. */
  Halted = 3,
}

const enum StatusPage {
  State = 0x00, // u32 PartitionState
  Reason = 0x04, // u32 StopReason
  Restarts = 0x08, // u32
  DeviceGeneration = 0x0c, // u32, counted up when its devices were reset and want to be attached again
  Wish = 0x10, // u32, the end or restart that a vCPU has asked for, 0 none (intent.ts), and TAKEN
  FaultRestarts = 0x14, // u32, those of Restarts that its health asked for
  Lock = 0x40, // u32, see monitor-lock.ts; in a cache line of its own
  Vcpus = 0x80, // MAXIMUM_VCPUS u32 VcpuState
  Functions = 0xc0, // MAXIMUM_FUNCTIONS pairs of u32, see functions.ts
  Exits = 0x100, // EXIT_COUNTERS u64, published when the partition stops
  Violations = 0x800, // MAXIMUM_VCPUS u64
}

/** Of a wish: a core carries it out. */
const TAKEN: u32 = 1 << 31;

function page(partition: u32): u64 { return field64(partition, PlanPartition.Status); }

export function state(partition: u32): u32 { return load32(page(partition) + StatusPage.State); }
export function setState(partition: u32, value: PartitionState): void { store32(page(partition) + StatusPage.State, value); }
export function stopReason(partition: u32): u32 { return load32(page(partition) + StatusPage.Reason); }
export function restarts(partition: u32): u32 { return load32(page(partition) + StatusPage.Restarts); }
export function setRestarts(partition: u32, value: u32): void { store32(page(partition) + StatusPage.Restarts, value); }
export function faultRestarts(partition: u32): u32 { return load32(page(partition) + StatusPage.FaultRestarts); }
export function setFaultRestarts(partition: u32, value: u32): void { store32(page(partition) + StatusPage.FaultRestarts, value); }
export function deviceGeneration(partition: u32): u32 { return load32(page(partition) + StatusPage.DeviceGeneration); }
export function setDeviceGeneration(partition: u32, value: u32): void { store32(page(partition) + StatusPage.DeviceGeneration, value); }

function violationCount(partition: u32, vcpu: u32): u64 { return page(partition) + StatusPage.Violations + <u64>vcpu * 8; }

/** On the core of this vCPU. */
export function countViolation(partition: u32, vcpu: u32): void {
  const count = violationCount(partition, vcpu);
  store64(count, load64(count) + 1);
}

/** Of all vCPUs. */
export function violations(partition: u32): u64 {
  let sum: u64 = 0;
  for (let vcpu: u32 = 0; vcpu < <u32>MAXIMUM_VCPUS; vcpu++) sum += load64(violationCount(partition, vcpu));
  return sum;
}

export function exits(partition: u32, reason: u32): u64 { return load64(page(partition) + StatusPage.Exits + <u64>reason * 8); }

export function wishAddress(partition: u32): u64 { return page(partition) + StatusPage.Wish; }
export function wish(partition: u32): u32 { return load32(wishAddress(partition)); }
/** Of several wishes the first one counts; whether it is this one. */
export function proposeWish(partition: u32, value: u32): bool { return compareExchange32(wishAddress(partition), 0, value) == 0; }
/** The wish, to be carried out by this core; 0 if there is none, or another core does. */
export function takeWish(partition: u32): u32 {
  const wanted = wish(partition) & ~TAKEN;
  return wanted != 0 && compareExchange32(wishAddress(partition), wanted, wanted | TAKEN) == wanted ? wanted : 0;
}
/** Whether a wish waits for a core that carries it out. */
export function hasOpenWish(partition: u32): bool {
  const wanted = wish(partition);
  return wanted != 0 && wanted < TAKEN;
}
export function clearWish(partition: u32): void { store32(wishAddress(partition), 0); }

export function lockAddress(partition: u32): u64 { return page(partition) + StatusPage.Lock; }

export function vcpuState(partition: u32, vcpu: u32): u32 { return load32(page(partition) + StatusPage.Vcpus + <u64>vcpu * 4); }
export function setVcpuState(partition: u32, vcpu: u32, value: VcpuState): void { store32(page(partition) + StatusPage.Vcpus + <u64>vcpu * 4, value); }

/** Two u32 of function `index`. */
export function functionSlot(partition: u32, index: u32): u64 { return page(partition) + StatusPage.Functions + <u64>index * 8; }

/** Adds this core's counters to the partition's. One core at a time. */
export function publishExits(partition: u32): void {
  for (let i: u32 = 0; i < EXIT_COUNTERS; i++) store64(page(partition) + StatusPage.Exits + <u64>i * 8, exits(partition, i) + takeExitCount(i));
}

/** Leaves the reason for core 0, the state last. */
export function publishStop(partition: u32, reason: u32): void {
  store32(page(partition) + StatusPage.Reason, reason);
  setState(partition, PartitionState.Stopped);
}
