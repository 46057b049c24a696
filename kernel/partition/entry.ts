// Before each VM entry: pending events and the next deadline. With neither it costs a few loads.

import { Mailbox, VcpuMailbox } from "../../monitor/interface";
import { armDeadline, canInjectInterrupt, injectInterrupt, tryInjectNmi } from "../cpu/backend";
import { nextHousekeeping } from "./housekeeping";
import { carryOutIntent, entersPlainly, hasIntent } from "./lifecycle";
import { acknowledge, acknowledgeNmi, peek32, peek64 } from "./monitor";
import { settleMonitorCall } from "./monitor-call";

const VCPU: u32 = Mailbox.Vcpus;

/** What the exit stub does next. */
export const enum NextEntry {
  Resume = 0,
  Launch = 1,
  /** Resume, past the sequences against speculation that this processor needs at an entry. */
  GuardedResume = 2,
}

export function prepareEntry(): u32 {
  // Vector and NMI lie side by side.
  if (peek64(VCPU + VcpuMailbox.PendingVector)) deliverPending();
  if (!entersPlainly()) return prepareUnusualEntry();
  armDeadline(min(peek64(VCPU + VcpuMailbox.Deadline), nextHousekeeping()));
  return NextEntry.Resume;
}

function prepareUnusualEntry(): u32 {
  if (hasIntent()) {
    carryOutIntent();
    return NextEntry.Launch;
  }
  armDeadline(min(peek64(VCPU + VcpuMailbox.Deadline), nextHousekeeping()));
  return NextEntry.GuardedResume;
}

function deliverPending(): void {
  if (hasIntent()) return; // the partition ends or restarts, perhaps because its monitor must not be called again
  if (peek32(VCPU + VcpuMailbox.PendingNmi) && tryInjectNmi()) acknowledgeNmi(0);
  if (peek32(VCPU + VcpuMailbox.PendingVector) && canInjectInterrupt()) {
    const vector = acknowledge(0);
    settleMonitorCall();
    if (vector) injectInterrupt(vector);
  }
}
