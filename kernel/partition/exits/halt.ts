// HLT: the vCPU sleeps on its own core until an event.

import { VcpuMailbox } from "../../../monitor/interface";
import { advance, interruptsEnabled, isTrapPending, sleep, supportsHltActivity } from "../../cpu/backend";
import { vcpuCount, vcpuRecord } from "../current";
import { StopReason, stopPartition } from "../intent";
import { peek32 } from "../monitor";
import { canBeWoken } from "../vcpu-start";

export function onHalt(): void {
  advance();
  if (isTrapPending()) return; // a single step wakes the vCPU at once
  if (!interruptsEnabled() && !peek32(vcpuRecord() + VcpuMailbox.PendingNmi) && !sleepsOn()) return stopPartition(StopReason.Halted);
  if (supportsHltActivity()) sleep();
}

/** With interrupts off: only another vCPU can wake this one, and only from a state in which the processor sleeps. */
function sleepsOn(): bool { return vcpuCount() > 1 && supportsHltActivity() && canBeWoken(); }
