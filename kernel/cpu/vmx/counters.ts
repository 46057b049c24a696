// A counter for each exit reason of this core's vCPU.

import { ExitReason } from "./exit-reason";

/** Number of counters, a power of two beyond the manual's last reason. */
export const EXIT_COUNTERS: u32 = ExitReason.COUNT;

/** EXIT_COUNTERS u64 in linear memory. */
const exitCounters: usize = memory.data(1024, 8);

// @ts-ignore: decorator
@inline
export function countExit(reason: u32): void {
  const counter = exitCounters + ((reason & (EXIT_COUNTERS - 1)) << 3);
  store<u64>(counter, load<u64>(counter) + 1);
}

/** Exits by `reason` since the last call. */
export function takeExitCount(reason: u32): u64 {
  const counter = exitCounters + (reason << 3);
  const count = load<u64>(counter);
  store<u64>(counter, 0);
  return count;
}
