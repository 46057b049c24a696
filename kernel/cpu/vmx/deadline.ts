// A TSC deadline for the vCPU by the VMX-preemption timer, SDM 3C 26.5.1.

import { rdtsc } from "../processor";
import { preemptionTimerShift } from "./capability";
import { VmcsField } from "./field";
import { vmwrite } from "./instructions";

const NO_DEADLINE: u64 = u64.MAX_VALUE;

let armed: bool = false;

/** Makes the vCPU exit when the TSC reaches `deadline`, or earlier where the timer's 32 bits do not reach that far. */
export function armDeadline(deadline: u64): void {
  if (deadline == NO_DEADLINE) {
    if (armed) disarm();
    return;
  }
  const now = rdtsc();
  const remaining = deadline > now ? (deadline - now) >> preemptionTimerShift() : 0;
  vmwrite(VmcsField.VMX_PREEMPTION_TIMER_VALUE, min<u64>(remaining, u32.MAX_VALUE));
  armed = true;
}

function disarm(): void {
  armed = false;
  vmwrite(VmcsField.VMX_PREEMPTION_TIMER_VALUE, u32.MAX_VALUE);
}
