// Channels of the 8254: mode, count and OUT pin as functions of time (Intel 8254 data sheet, mode definitions).

import { NEVER } from "../deadlines";

export const CHANNEL_COUNT: u32 = 3;
/** The only channel whose gate software can drive. */
export const GATED_CHANNEL: u32 = 2;

/** RW field of the control word. */
export const enum Access { Latch = 0, Low = 1, High = 2, Word = 3 }

export const enum Mode {
  TerminalCount = 0,
  OneShot = 1,
  RateGenerator = 2,
  SquareWave = 3,
  SoftwareStrobe = 4,
  HardwareStrobe = 5,
}

// @ts-ignore: decorator
@unmanaged export class Channel {
  /** PIT tick at which the count began; meaningless unless isCounting. */
  start: u64;
  /** PIT ticks counted when the gate fell. */
  heldTicks: u64;
  /** 1 to 0x10000. */
  reload: u32;
  mode: u32;
  access: u32;
  /** A count was written and, in modes 1 and 5, a trigger has come. */
  isCounting: u32;
  /** A count was written since the control word. */
  isLoaded: u32;
  gate: u32;
  latchedCount: u32;
  /** Bytes of the latched count still to be read, in the order of Access. */
  latchedBytes: u32;
  latchedStatus: u32;
  hasLatchedStatus: u32;
  /** The high byte is next. */
  readsHigh: u32;
  writesHigh: u32;
  lowByte: u32;
}

const CHANNEL_SHIFT: u32 = 6;
const CHANNELS = memory.data(192, 8); // CHANNEL_COUNT records

// @ts-ignore: decorator
@inline export function channel(number: u32): Channel {
  return changetype<Channel>(CHANNELS + (number << CHANNEL_SHIFT));
}

/** All as after power-up: square waves that have not begun; only the gate of channel 2 can be low, and is. */
export function clearChannels(): void {
  memory.fill(CHANNELS, 0, CHANNEL_COUNT << CHANNEL_SHIFT);
  for (let number: u32 = 0; number < CHANNEL_COUNT; number++) {
    const target = channel(number);
    target.reload = 0x10000;
    target.access = Access.Word;
    target.mode = Mode.SquareWave;
    target.gate = number == GATED_CHANNEL ? 0 : 1;
  }
}

/** Modes 2 and 3 start anew at the end of the count. */
export function isPeriodic(target: Channel): bool {
  return target.mode == Mode.RateGenerator || target.mode == Mode.SquareWave;
}

/** Modes 1 and 5 start at a rising gate. */
export function isTriggered(target: Channel): bool {
  return target.mode == Mode.OneShot || target.mode == Mode.HardwareStrobe;
}

/** A low gate stops the count in all modes but the triggered ones. */
function isHeld(target: Channel): bool {
  return target.gate == 0 && !isTriggered(target);
}

/** PIT ticks counted since the start. */
function ticksCounted(target: Channel, time: u64): u64 {
  return isHeld(target) ? target.heldTicks : time - target.start;
}

/** Counting element at PIT tick `time`, 16 bits. */
export function countAt(target: Channel, time: u64): u32 {
  if (target.isCounting == 0) return target.reload & 0xffff;
  const elapsed = ticksCounted(target, time);
  switch (target.mode) {
    case Mode.RateGenerator: return (target.reload - <u32>(elapsed % target.reload)) & 0xffff;
    case Mode.SquareWave: return (target.reload - <u32>((elapsed << 1) % target.reload)) & 0xfffe;
    default: return (target.reload - <u32>elapsed) & 0xffff;
  }
}

/** OUT pin at PIT tick `time`. */
export function outputAt(target: Channel, time: u64): bool {
  if (target.isCounting == 0) return target.mode != Mode.TerminalCount;
  if (isPeriodic(target) && isHeld(target)) return true;
  const elapsed = ticksCounted(target, time);
  switch (target.mode) {
    case Mode.TerminalCount:
    case Mode.OneShot: return elapsed >= target.reload;
    case Mode.RateGenerator: return elapsed % target.reload != target.reload - 1;
    case Mode.SquareWave: return elapsed % target.reload < (target.reload + 1) >> 1;
    default: return elapsed != target.reload;
  }
}

/** Tick at which OUT of a counting channel first rises after `time`, or NEVER. */
export function nextRise(target: Channel, time: u64): u64 {
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
  target.isCounting = 1;
  target.start = goesOn ? time - target.heldTicks : time;
}
