// The memory of this core's partition: guest-physical to host-physical.

import { HIGH_MEMORY_BASE } from "../../monitor/interface";
import { PlanPartition, field64 } from "./plan";

let base: u64 = 0;
let low: u64 = 0;
let high: u64 = 0;

/** Takes the grant of `partition` into use on this core. */
export function attachMemory(partition: u32): void {
  base = field64(partition, PlanPartition.MemoryBase);
  low = field64(partition, PlanPartition.LowMemory);
  high = field64(partition, PlanPartition.HighMemory);
}

/** Host-physical address of `length` bytes at guest-physical `address`, 0 if not all of them are the partition's. */
export function guestToHost(address: u64, length: u64): u64 {
  if (address < low) return length <= low - address ? base + address : 0;
  if (address < HIGH_MEMORY_BASE) return 0;
  const offset = address - HIGH_MEMORY_BASE;
  if (offset >= high || length > high - offset) return 0;
  return base + low + offset;
}
