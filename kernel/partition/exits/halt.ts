// HLT: the vCPU sleeps on its own core until an event.

import { VcpuMailbox } from "../../../monitor/interface";
import { advance, interruptsEnabled, isTrapPending, sleep, supportsHltActivity } from "../../cpu/backend";
import { vcpuRecord } from "../current";
import { StopReason, stopPartition } from "../lifecycle";
import { peek32 } from "../monitor";

export function onHalt(): void {
  advance();
  if (isTrapPending()) return; // a single step wakes the vCPU at once
  if (!interruptsEnabled() && !peek32(vcpuRecord() + VcpuMailbox.PendingNmi)) return stopPartition(StopReason.Halted);
  if (supportsHltActivity()) sleep();
}
