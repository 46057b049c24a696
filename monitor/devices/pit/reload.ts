// What begins a count anew: the end of a period, the gate (Intel 8254 data sheet, mode definitions and "Gate Pin Operations").

import { NEVER } from "../deadlines";
import { Channel, highHalf, isHeld, isPeriodic, isTriggered, Mode, ticksCounted } from "./channel";

/** Tick at which a running channel takes a new count: the end of the period, of a square wave the end of the half. */
function boundary(target: Channel, time: u64): u64 {
  const phase = <u32>((time - target.start) % target.reload);
  const half = highHalf(target.reload);
  const length = target.mode == Mode.SquareWave && phase < half ? half : target.reload;
  return time - phase + length;
}

/** Whether the channel takes the new count between the halves of a square wave. */
function isBetweenHalves(target: Channel): bool {
  return (target.nextStart - target.start) % target.reload != 0;
}

/** Start of the period in which `nextStart` lies, counted with the new value. */
function nextPeriodStart(target: Channel): u64 {
  return isBetweenHalves(target) ? target.nextStart - highHalf(target.next) : target.nextStart;
}

/** A count for a channel that cannot take it now: it runs periodically or waits for a trigger. */
export function queueCount(target: Channel, count: u32, time: u64): void {
  target.next = count;
  target.nextStart = isPeriodic(target) ? boundary(target, time) : NEVER;
}

/** Takes the new count if its time has come. */
export function settleReload(target: Channel, time: u64): void {
  if (target.next == 0 || isHeld(target) || time < target.nextStart) return;
  target.start = nextPeriodStart(target);
  target.reload = target.next;
  target.next = 0;
}

/** Tick at which OUT of a counting channel first rises after `time`, or NEVER. */
export function nextRise(target: Channel, time: u64): u64 {
  if (target.next != 0) return isBetweenHalves(target) ? nextPeriodStart(target) + target.next : target.nextStart;
  const first = target.start + target.reload;
  if (isPeriodic(target)) return time < first ? first : first + ((time - first) / target.reload + 1) * target.reload;
  const rise = target.mode == Mode.TerminalCount ? first : first + 1;
  return time < rise ? rise : NEVER;
}

export function lowerGate(target: Channel, time: u64): void {
  target.heldTicks = target.isCounting != 0 ? ticksCounted(target, time) : 0;
  target.gate = 0;
}

/** A rising gate triggers modes 1 and 5, restarts 2 and 3, and lets 0 and 4 go on. */
export function raiseGate(target: Channel, time: u64): void {
  const goesOn = !isPeriodic(target) && !isTriggered(target);
  target.gate = 1;
  if (target.isLoaded == 0) return;
  if (target.next != 0) target.reload = target.next;
  target.next = 0;
  target.isCounting = 1;
  target.start = goesOn ? time - target.heldTicks : time;
}
