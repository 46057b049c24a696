// INIT and SIPI between the vCPUs of a partition (SDM 3A 9.4.3). A vCPU that waits for its SIPI does so in the kernel: VMX's activity
// state for it would hold back the machine's interrupts, which tell its core of the SIPI.

import { VcpuMailbox, VcpuStart } from "../../monitor/interface";
import * as backend from "../cpu/backend";
import { Attention, attend, settled } from "./attention";
import { currentPartition, currentVcpu, recordOfVcpu, vcpuCount, vcpuRecord } from "./current";
import { resetPartition } from "./intent";
import { peek32, poke32 } from "./monitor";
import { enterMonitor, leaveMonitor } from "./monitor-lock";
import { idleOnce } from "./park";
import { VcpuState, setVcpuState, vcpuState, wish } from "./status-page";

/**
 * Another vCPU sent an INIT or SIPI. A SIPI counts only where one is waited for. The first vCPU would start at the reset vector, where a
 * PC's firmware resets the machine: here its INIT does that.
 */
export function onStartRequest(): void {
  if (!enterMonitor()) return;
  const record = vcpuRecord();
  const start = peek32(record + VcpuMailbox.Start);
  if (!(start & VcpuStart.Init)) return poke32(record + VcpuMailbox.Start, VcpuStart.None);
  poke32(record + VcpuMailbox.Start, start & VcpuStart.Sipi);
  if (currentVcpu() == 0) resetPartition();
  else attend(Attention.Initialised);
}

/** Out of the guest until the SIPI comes: true once the vCPU is set to where that says, false if the partition ends or restarts. */
export function awaitStartUp(): bool {
  settled(Attention.Initialised);
  const partition = currentPartition();
  leaveMonitor();
  setVcpuState(partition, currentVcpu(), VcpuState.Waiting);
  while (wish(partition) == 0) {
    if (takeStartUp()) return true;
    idleOnce();
  }
  return false;
}

function takeStartUp(): bool {
  const record = vcpuRecord();
  if (!enterMonitor()) return false;
  const isStarted = (peek32(record + VcpuMailbox.Start) & VcpuStart.Sipi) != 0;
  if (isStarted) {
    setVcpuState(currentPartition(), currentVcpu(), VcpuState.Running);
    poke32(record + VcpuMailbox.PendingNmi, 0); // those that came meanwhile were blocked
    backend.startUp(peek32(record + VcpuMailbox.StartVector));
    attend(Attention.Record);
  }
  poke32(record + VcpuMailbox.Start, VcpuStart.None);
  leaveMonitor();
  return isStarted;
}

/** This vCPU halts with interrupts off, until an NMI, INIT or SIPI of another one. False if none of the others can send one either. */
export function canBeWoken(): bool {
  if (!enterMonitor()) return true; // the partition does not end for that
  setVcpuState(currentPartition(), currentVcpu(), VcpuState.Halted);
  for (let vcpu: u32 = 0; vcpu < vcpuCount(); vcpu++) {
    const record = recordOfVcpu(vcpu);
    if (vcpuState(currentPartition(), vcpu) == VcpuState.Running) return true;
    if (peek32(record + VcpuMailbox.PendingNmi) | peek32(record + VcpuMailbox.Start)) return true;
  }
  return false;
}

/** An NMI wakes this vCPU; to be called in the monitor. */
export function noteWake(): void {
  setVcpuState(currentPartition(), currentVcpu(), VcpuState.Running);
}
