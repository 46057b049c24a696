// A partition ends or restarts as a whole: its other vCPUs leave the guest and rest, then the first one's core goes on.

import { rdtsc, pause } from "../cpu/processor";
import { tscFrequency } from "../../drivers/tsc";
import { Attention, settled } from "./attention";
import { currentPartition, currentVcpu, vcpuCount } from "./current";
import { keepHouse } from "./housekeeping";
import { kickOthers } from "./kick";
import { enterMonitor, leaveMonitor } from "./monitor-lock";
import { idleOnce, park } from "./park";
import { PartitionState, VcpuState, publishExits, setVcpuState, state, vcpuState } from "./status-page";

/** Looks between two kicks. */
const LOOKS: u32 = 1000;

/** The first vCPU's core: waits until all others rest; false if one does not within a second. */
export function awaitOthers(): bool {
  const limit = rdtsc() + tscFrequency();
  for (let look: u32 = 0; !doOthersRest(); look++) {
    if (rdtsc() > limit) return false;
    if (look % LOOKS == 0) kickOthers();
    keepHouse(); // one of them may wait for room on the console
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
  enterMonitor();
  publishExits(currentPartition());
  leaveMonitor();
  setVcpuState(currentPartition(), currentVcpu(), VcpuState.Resting);
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
