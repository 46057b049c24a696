// Channels of the 8254: mode, count and OUT pin as functions of time (Intel 8254 data sheet, mode definitions).

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
  /** PIT tick at which `next` becomes the reload value; NEVER if a trigger makes it so. */
  nextStart: u64;
  /** 1 to 0x10000. */
  reload: u32;
  /** A count that was written but does not count yet; 0 for none. */
  next: u32;
  /** Counts in four decimal digits. */
  isDecimal: u32;
  mode: u32;
  access: u32;
  /** A count was written and, in modes 1 and 5, a trigger has come. */
  isCounting: u32;
  /** A count was written since the control word, perhaps only in `next`. */
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

const CHANNEL_SHIFT: u32 = 7;
const CHANNELS = memory.data(384, 8); // CHANNEL_COUNT records
const DECIMAL_COUNTS: u32 = 10000;
const BINARY_COUNTS: u32 = 0x10000;

// @ts-ignore: decorator
@inline export function channel(number: u32): Channel {
  return changetype<Channel>(CHANNELS + (number << CHANNEL_SHIFT));
}

/** All as after power-up: square waves that have not begun; only the gate of channel 2 can be low, and is. */
export function clearChannels(): void {
  memory.fill(CHANNELS, 0, CHANNEL_COUNT << CHANNEL_SHIFT);
  for (let number: u32 = 0; number < CHANNEL_COUNT; number++) {
    const target = channel(number);
    target.reload = BINARY_COUNTS;
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
export function isHeld(target: Channel): bool {
  return target.gate == 0 && !isTriggered(target);
}

/** PIT ticks counted since the start. */
export function ticksCounted(target: Channel, time: u64): u64 {
  return isHeld(target) ? target.heldTicks : time - target.start;
}

/** Number of counts that a channel has: it goes on from 0 with the highest one. */
function countsOf(target: Channel): u32 {
  return target.isDecimal != 0 ? DECIMAL_COUNTS : BINARY_COUNTS;
}

/** A count as the registers hold it, in 16 bits. */
function toRegister(target: Channel, count: u32): u32 {
  const value = count % countsOf(target);
  if (target.isDecimal == 0) return value;
  return value / 1000 << 12 | value / 100 % 10 << 8 | value / 10 % 10 << 4 | value % 10;
}

/** What a written count means: 0 is the highest, 1 past what the registers hold. */
export function fromRegister(target: Channel, value: u32): u32 {
  if (value == 0) return countsOf(target);
  if (target.isDecimal == 0) return value;
  return (value >> 12) * 1000 + (value >> 8 & 0xf) * 100 + (value >> 4 & 0xf) * 10 + (value & 0xf);
}

/** Ticks for which a square wave is high: of an odd count one more than low. */
export function highHalf(reload: u32): u32 {
  return (reload + 1) >> 1;
}

/** Two down a tick, from the even number at or below the count, in each half. */
function squareWaveCount(target: Channel, elapsed: u64): u32 {
  const phase = <u32>(elapsed % target.reload);
  const half = highHalf(target.reload);
  return (target.reload & ~1) - (phase < half ? phase : phase - half) * 2;
}

/** Counting element at PIT tick `time`, 16 bits. */
export function countAt(target: Channel, time: u64): u32 {
  if (target.isCounting == 0) return toRegister(target, target.reload);
  const elapsed = ticksCounted(target, time);
  switch (target.mode) {
    case Mode.RateGenerator: return toRegister(target, target.reload - <u32>(elapsed % target.reload));
    case Mode.SquareWave: return toRegister(target, squareWaveCount(target, elapsed));
    default: return toRegister(target, target.reload + countsOf(target) - <u32>(elapsed % countsOf(target)));
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
    case Mode.SquareWave: return elapsed % target.reload < highHalf(target.reload);
    default: return elapsed != target.reload;
  }
}
