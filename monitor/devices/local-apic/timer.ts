// APIC timer (SDM 3A 11.5.4): counts TSC ticks over the divide value, or waits for a TSC deadline.

import { now } from "../../imports";
import { LEAST_PROGRESS, NEVER, setLocalTimerDeadline } from "../deadlines";
import { receiveInterrupt } from "./errors";
import { localApic, LVT_MASKED } from "./state";
import { Register, register, setKeptRegister, setRegister } from "./virtual-apic-page";

/** LVT timer register, bits 18:17. */
const enum TimerMode {
  OneShot = 0 << 17,
  Periodic = 1 << 17,
  TscDeadline = 2 << 17,
  Mask = 3 << 17,
}

// @ts-ignore: decorator
@inline function mode(vcpu: u32): u32 {
  return register(vcpu, Register.LvtTimer) & TimerMode.Mask;
}

/** log2 of the divide value: 000 divides by 2, ..., 110 by 128, 111 by 1 (SDM 3A figure 11-10). */
function divideShift(vcpu: u32): u32 {
  const divide = register(vcpu, Register.DivideConfiguration);
  const encoding = (divide & 3) | ((divide >> 1) & 4);
  return (encoding + 1) & 7;
}

function period(vcpu: u32): u64 {
  return <u64>register(vcpu, Register.InitialCount) << divideShift(vcpu);
}

/** Arms the deadline, at `earliest` or later. A masked timer counts on without the kernel's help. */
function publish(vcpu: u32, earliest: u64): void {
  const isMasked = (register(vcpu, Register.LvtTimer) & LVT_MASKED) != 0;
  setLocalTimerDeadline(vcpu, isMasked ? NEVER : max(localApic(vcpu).timerExpiry, earliest));
}

/** Leaves an expiry that has passed: a periodic timer goes to its next one and skips those lost. */
function advance(vcpu: u32, time: u64): void {
  const apic = localApic(vcpu);
  if (mode(vcpu) != TimerMode.Periodic) {
    apic.timerExpiry = NEVER;
    return;
  }
  const length = period(vcpu);
  apic.timerExpiry += length;
  if (apic.timerExpiry <= time) apic.timerExpiry += ((time - apic.timerExpiry) / length + 1) * length;
}

/** Fires the timer if it is due. */
export function runLocalTimer(vcpu: u32, time: u64): void {
  if (time < localApic(vcpu).timerExpiry) return;
  advance(vcpu, time);
  const entry = register(vcpu, Register.LvtTimer);
  if ((entry & LVT_MASKED) == 0) receiveInterrupt(vcpu, entry & 0xff, false);
  publish(vcpu, time + LEAST_PROGRESS);
}

export function writeInitialCount(vcpu: u32, count: u32): void {
  const isIgnored = mode(vcpu) == TimerMode.TscDeadline;
  setRegister(vcpu, Register.InitialCount, isIgnored ? 0 : count);
  if (isIgnored) return;
  localApic(vcpu).timerExpiry = count == 0 ? NEVER : now() + period(vcpu);
  publish(vcpu, 0);
}

/** Current-count register. */
export function currentCount(vcpu: u32): u32 {
  const apic = localApic(vcpu);
  if (mode(vcpu) == TimerMode.TscDeadline || apic.timerExpiry == NEVER) return 0;
  const time = now();
  const shift = divideShift(vcpu);
  if (time < apic.timerExpiry) return <u32>((apic.timerExpiry - time + (((<u64>1) << shift) - 1)) >> shift);
  if (mode(vcpu) != TimerMode.Periodic) return 0;
  const length = period(vcpu);
  return <u32>((length - ((time - apic.timerExpiry) % length)) >> shift);
}

/** Divide-configuration register: what is left of the count goes on at the new rate. */
export function writeDivide(vcpu: u32, value: u32): void {
  const apic = localApic(vcpu);
  const time = now();
  runLocalTimer(vcpu, time);
  const count = <u64>currentCount(vcpu);
  setKeptRegister(vcpu, Register.DivideConfiguration, value & 0xb);
  if (count == 0) return;
  apic.timerExpiry = time + (count << divideShift(vcpu));
  publish(vcpu, 0);
}

/** LVT timer register. Entering or leaving TSC-deadline mode disarms the timer (SDM 3A 11.5.4.1). */
export function writeLvtTimer(vcpu: u32, value: u32): void {
  runLocalTimer(vcpu, now());
  const before = register(vcpu, Register.LvtTimer);
  const changed = (before ^ value) & TimerMode.Mask;
  const deadlineModes = (before | value) & TimerMode.TscDeadline;
  setKeptRegister(vcpu, Register.LvtTimer, value);
  if (changed != 0 && deadlineModes != 0) {
    localApic(vcpu).timerExpiry = NEVER;
    setRegister(vcpu, Register.InitialCount, 0);
  }
  publish(vcpu, 0);
}

/** IA32_TSC_DEADLINE; ignored outside its mode. */
export function writeTscDeadline(vcpu: u32, value: u64): void {
  const apic = localApic(vcpu);
  if (mode(vcpu) != TimerMode.TscDeadline) return;
  apic.timerExpiry = value == 0 ? NEVER : value;
  const time = now();
  if (time < apic.timerExpiry) publish(vcpu, 0);
  else runLocalTimer(vcpu, time);
}

/** IA32_TSC_DEADLINE: 0 once the timer has expired. */
export function readTscDeadline(vcpu: u32): u64 {
  const apic = localApic(vcpu);
  if (mode(vcpu) != TimerMode.TscDeadline) return 0;
  return apic.timerExpiry == NEVER || now() >= apic.timerExpiry ? 0 : apic.timerExpiry;
}
