// The lock of a partition's monitor, which its cores enter one at a time; a partition with one vCPU needs none. A core has it from its
// first use of the monitor in an exit until the next VM entry, so that what the mailbox holds for an access stays its own.

import { tscFrequency } from "../../drivers/tsc";
import { pause, rdtsc } from "../cpu/processor";
import { compareExchange32, store32 } from "../memory/physical";
import { Attention, attend } from "./attention";
import { currentPartition, vcpuCount } from "./current";
import { StopReason, stopPartition } from "./lifecycle";
import { lockAddress } from "./status-page";

/** Whether this core must take the lock before it goes on. */
let mustTake: bool = false;
let word: u64 = 0;

/** Once this core knows its partition. */
export function attachMonitorLock(): void {
  mustTake = vcpuCount() > 1;
  word = lockAddress(currentPartition());
}

/** To be called before the mailbox is written or the monitor called; again and again does no harm. */
// @ts-ignore: decorator
@inline
export function enterMonitor(): void {
  if (mustTake) take();
}

function take(): void {
  if (compareExchange32(word, 0, 1) != 0) awaitLock();
  mustTake = false;
  attend(Attention.Record); // so that the next entry leaves the monitor
}

/** No monitor call lasts long: after a second without the lock the partition is broken, and ends. */
function awaitLock(): void {
  const limit = rdtsc() + tscFrequency();
  while (compareExchange32(word, 0, 1) != 0) {
    pause();
    if (rdtsc() > limit) return stopPartition(StopReason.CoreSilent);
  }
}

export function leaveMonitor(): void {
  if (mustTake || vcpuCount() == 1) return;
  mustTake = true;
  store32(word, 0);
}
