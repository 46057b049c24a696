// Before each VM entry: pending events and the next deadline. With neither it costs a few loads.

import { LOCAL_VECTOR, VcpuMailbox } from "../../monitor/interface";
import { armDeadline, canInjectInterrupt, injectInterrupt, isServingNmi, tryInjectNmi } from "../cpu/backend";
import { Attention, attention, settled } from "./attention";
import { currentVcpu, vcpuRecord } from "./current";
import { nextHousekeeping } from "./housekeeping";
import { hasIntent } from "./intent";
import { carryOutIntent, startAnew } from "./lifecycle";
import { acknowledge, acknowledgeNmi, peek32, peek64, poke32 } from "./monitor";
import { passOutput, settleMonitorCall } from "./monitor-call";
import { enterMonitor, leaveMonitor } from "./monitor-lock";
import { noteWake, onStartRequest } from "./vcpu-start";
import { deliverVirtualInterrupt, serviceInterrupt, takeSignals } from "./virtual-interrupts";

/** Bits of VcpuMailbox.PendingVector; above them are signals. */
const VECTOR: u32 = 0xff;

/** What the exit stub does next. */
export const enum NextEntry {
  Resume = 0,
  Launch = 1,
  /** Resume, past the sequences against speculation that this processor needs at an entry. */
  GuardedResume = 2,
}

/** TSC of the next exit by the preemption timer: the vCPU's deadline as looked at last, or the kernel's own. */
let deadline: u64 = u64.MAX_VALUE;

export function prepareEntry(): u32 {
  if (attention() != 0) return prepareAttentively();
  armDeadline(deadline);
  return NextEntry.Resume;
}

function prepareAttentively(): u32 {
  if (attention() == <u32>Attention.Guarded) return enterGuarded();
  if (attention() & Attention.Record) lookAtRecord();
  if (attention() & Attention.Delivery && !hasIntent()) deliverVirtualInterrupt();
  leaveMonitor();
  passOutput();
  if (hasIntent()) {
    carryOutIntent();
    return NextEntry.Launch;
  }
  if (attention() & Attention.Initialised) {
    startAnew();
    return NextEntry.Launch;
  }
  if (attention() & Attention.Guarded) return enterGuarded();
  armDeadline(deadline);
  return NextEntry.Resume;
}

function enterGuarded(): u32 {
  armDeadline(deadline);
  return NextEntry.GuardedResume;
}

/** Looks again before the next entry for as long as an event is pending. */
function lookAtRecord(): void {
  if (hasIntent()) return; // the partition ends or restarts, perhaps because its monitor must not be called again
  const record = vcpuRecord();
  if (peek32(record + VcpuMailbox.Start)) onStartRequest();
  // Vector and NMI lie side by side.
  if (peek64(record + VcpuMailbox.PendingVector)) deliverPending(record);
  if (!peek64(record + VcpuMailbox.PendingVector)) settled(Attention.Record);
  deadline = min(peek64(record + VcpuMailbox.Deadline), nextHousekeeping());
}

function deliverPending(record: u32): void {
  if (!enterMonitor()) return;
  if (peek32(record + VcpuMailbox.PendingNmi)) deliverNmi(record);
  if (peek32(record + VcpuMailbox.PendingVector) & VECTOR && canInjectInterrupt()) injectInterruptOf(record);
  const signals = peek32(record + VcpuMailbox.PendingVector) & ~(VECTOR | LOCAL_VECTOR);
  if (signals) takeSignals(signals);
}

function injectInterruptOf(record: u32): void {
  const pending = peek32(record + VcpuMailbox.PendingVector);
  if (pending & LOCAL_VECTOR) {
    serviceInterrupt(pending & VECTOR);
    poke32(record + VcpuMailbox.PendingVector, pending & ~(VECTOR | LOCAL_VECTOR));
    return injectInterrupt(pending & VECTOR);
  }
  const vector = acknowledge(currentVcpu());
  settleMonitorCall();
  if (vector) injectInterrupt(vector);
}

/** The processor keeps one NMI while another is in service, and loses further ones. */
function deliverNmi(record: u32): void {
  if (isServingNmi()) poke32(record + VcpuMailbox.PendingNmi, 1);
  if (!tryInjectNmi()) return;
  acknowledgeNmi(currentVcpu());
  noteWake();
  if (peek32(record + VcpuMailbox.PendingNmi)) tryInjectNmi(); // asks for the window behind the first
}
