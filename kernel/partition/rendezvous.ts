// A partition ends or restarts as a whole: its other vCPUs leave the guest and rest, then the first one's core goes on. A core that does
// not take part ends the partition for good, even that of the first vCPU.

import { rdtsc, pause } from "../cpu/processor";
import { tscFrequency } from "../../drivers/tsc";
import { Attention, settled } from "./attention";
import { currentPartition, currentVcpu, vcpuCount } from "./current";
import { keepHouse } from "./housekeeping";
import { kickOthers } from "./kick";
import { endSilently } from "./lifecycle";
import { enterMonitor, leaveMonitor } from "./monitor-lock";
import { idleOnce, park } from "./park";
import { PartitionState, VcpuState, hasOpenWish, publishExits, setVcpuState, state, vcpuState } from "./status-page";

/** Looks between two kicks. */
const LOOKS: u32 = 1000;
/** Seconds after which the first vCPU's core is silent: on the way it passes on what the partition said, and the consoles may be slow. */
const PATIENCE: u64 = 30;

/** The first vCPU's core: waits until all others rest; false if one does not within a second. */
export function awaitOthers(): bool {
  const limit = rdtsc() + tscFrequency();
  for (let look: u32 = 0; !doOthersRest(); look++) {
    if (rdtsc() > limit) return false;
    if (look % LOOKS == 0) kickOthers();
    keepHouse(); // one of them may wait for room on the console
    leaveMonitor(); // what was typed for firmware was passed to it, and the others need the monitor to come to rest
    pause();
  }
  return true;
}

function doOthersRest(): bool {
  for (let vcpu: u32 = 1; vcpu < vcpuCount(); vcpu++) {
    if (vcpuState(currentPartition(), vcpu) != VcpuState.Resting) return false;
  }
  return true;
}

/** The first vCPU's core, once the partition has started: the others wait for their SIPI from now on. */
export function releaseOthers(): void {
  for (let vcpu: u32 = 1; vcpu < vcpuCount(); vcpu++) setVcpuState(currentPartition(), vcpu, VcpuState.Waiting);
  kickOthers();
}

/** Another vCPU's core: out of the guest until the partition has started. */
export function rest(): void {
  const partition = currentPartition();
  if (enterMonitor()) publishExits(partition);
  leaveMonitor();
  setVcpuState(partition, currentVcpu(), VcpuState.Resting);
  awaitFirst(partition);
  awaitRelease();
}

/** Parks where the partition has ended. A core that comes here after the system's start may find itself released already. */
export function awaitRelease(): void {
  const partition = currentPartition();
  while (vcpuState(partition, currentVcpu()) == VcpuState.Resting) {
    if (state(partition) == PartitionState.Stopped) park();
    idleOnce();
  }
  settled(Attention.Intent);
}

/** Until the first vCPU's core carries out what the partition wishes. */
function awaitFirst(partition: u32): void {
  const limit = rdtsc() + PATIENCE * tscFrequency();
  while (hasOpenWish(partition)) {
    if (rdtsc() > limit) return endSilently();
    keepHouse();
    pause();
  }
}
