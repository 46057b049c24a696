// The lock of a partition's monitor, which its cores enter one at a time; a partition with one vCPU needs none. A core has it from its
// first use of the monitor in an exit until the next VM entry, so that what the mailbox holds for an access stays its own. One that waits
// in vain for a second does without the monitor: another core of the partition hangs in it, and the partition has failed.

import { tscFrequency } from "../../drivers/tsc";
import { pause, rdtsc } from "../cpu/processor";
import { compareExchange32, store32 } from "../memory/physical";
import { Attention, attend } from "./attention";
import { currentPartition, vcpuCount } from "./current";
import { StopReason, hasIntent, partitionFault } from "./intent";
import { lockAddress } from "./status-page";

/** Whether this core must take the lock before it goes on. */
let mustTake: bool = false;
let word: u64 = 0;

/** Once this core knows its partition. */
export function attachMonitorLock(): void {
  mustTake = vcpuCount() > 1;
  word = lockAddress(currentPartition());
}

/**
 * To be called before the mailbox is written or the monitor called; again and again does no harm. False: neither may be done, and what is
 * left of the exit does not matter, since the partition ends or restarts.
 */
// @ts-ignore: decorator
@inline
export function enterMonitor(): bool { return !mustTake || take(); }

function take(): bool {
  if (!awaitLock()) {
    if (!hasIntent()) partitionFault(StopReason.CoreSilent);
    return false;
  }
  mustTake = false;
  attend(Attention.Record); // so that the next entry leaves the monitor
  return true;
}

function awaitLock(): bool {
  if (compareExchange32(word, 0, 1) == 0) return true;
  const limit = rdtsc() + tscFrequency();
  while (compareExchange32(word, 0, 1) != 0) {
    if (rdtsc() > limit) return false;
    pause();
  }
  return true;
}

/** Gives the lock back if this core has it. */
export function leaveMonitor(): void {
  if (mustTake || vcpuCount() == 1) return;
  mustTake = true;
  store32(word, 0);
}
