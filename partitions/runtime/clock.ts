// Time: the frequency of the TSC, and sleep by the local APIC's timer.

import { Hypercall } from "../../kernel/policy/layout";
import { writeMsr } from "./attempt";
import { hasHypervisor, hypercall } from "./hypervisor";
import { ApicRegister, enableLocalApic, endOfInterrupt, readApic, writeApic } from "./local-apic";
import { cpuidRegister, CpuidRegister, rdtsc, takeInterrupts, waitForInterrupt } from "./processor";

/** Taken without Bulkhead, where nobody tells: that of QEMU without acceleration. */
const UNKNOWN_TSC_FREQUENCY: u64 = 1_000_000_000;

const MSR_TSC_DEADLINE: u32 = 0x6e0;
const CPUID_1_ECX_TSC_DEADLINE: u32 = 1 << 24;
const TIMER_VECTOR: u32 = 0x40;
const TIMER_ONE_SHOT: u32 = 0 << 17;
const TIMER_TSC_DEADLINE: u32 = 2 << 17;
const TIMER_MASKED: u32 = 1 << 16;
const DIVIDE_BY_16: u32 = 0b0011;
/** One-shot mode is calibrated over this fraction of a second. */
const CALIBRATION_FRACTION: u64 = 100;

let frequency: u64 = 0;
let hasDeadline: bool = false;
/** Counts of the one-shot timer per second. */
let countFrequency: u64 = 0;

/** Readies the timer. */
export function startClock(): void {
  frequency = hasHypervisor() ? hypercall(Hypercall.TscFrequency, 0, 0) : UNKNOWN_TSC_FREQUENCY;
  enableLocalApic();
  hasDeadline = (cpuidRegister(1, CpuidRegister.Ecx) & CPUID_1_ECX_TSC_DEADLINE) != 0;
  if (hasDeadline) writeApic(ApicRegister.TimerEntry, TIMER_TSC_DEADLINE | TIMER_VECTOR);
  else calibrateOneShot();
}

/** Hz. */
export function tscFrequency(): u64 {
  return frequency;
}

export function usesTscDeadline(): bool {
  return hasDeadline;
}

/** Halts the processor until the TSC has passed `deadline`. */
export function sleepUntil(deadline: u64): void {
  while (rdtsc() < deadline) {
    armTimer(deadline);
    waitForInterrupt();
    if (takeInterrupts(TIMER_VECTOR) != 0) endOfInterrupt();
  }
}

function armTimer(deadline: u64): void {
  if (hasDeadline) {
    writeMsr(MSR_TSC_DEADLINE, deadline);
    return;
  }
  const now = rdtsc();
  const remaining = deadline > now ? deadline - now : 0;
  const count = remaining * countFrequency / frequency + 1;
  writeApic(ApicRegister.InitialCount, count < 0xffffffff ? <u32>count : 0xffffffff);
}

function calibrateOneShot(): void {
  writeApic(ApicRegister.DivideConfiguration, DIVIDE_BY_16);
  writeApic(ApicRegister.TimerEntry, TIMER_ONE_SHOT | TIMER_MASKED | TIMER_VECTOR);
  writeApic(ApicRegister.InitialCount, 0xffffffff);
  const end = rdtsc() + frequency / CALIBRATION_FRACTION;
  while (rdtsc() < end) continue;
  countFrequency = <u64>(0xffffffff - readApic(ApicRegister.CurrentCount)) * CALIBRATION_FRACTION;
  writeApic(ApicRegister.InitialCount, 0);
  writeApic(ApicRegister.TimerEntry, TIMER_ONE_SHOT | TIMER_VECTOR);
}
