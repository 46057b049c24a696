// 8254 programmable interval timer (Intel 8254 data sheet) and port 0x61. Counts binary only; BCD is taken as binary.

import { now } from "../imports";
import { ticksAt, tscOfTick } from "./clock";
import { NEVER, pitDeadline, setPitDeadline } from "./deadlines";
import { setInterruptLine } from "./interrupt-lines";

export const PIT_FREQUENCY: u64 = 1193182; // Hz

export const enum PitPort {
  Channel0 = 0x40,
  Control = 0x43,
  SystemControl = 0x61,
}

/** Control word, SC field. */
const READ_BACK: u32 = 3;

/** Read-back command: a clear bit latches. */
const enum ReadBack {
  NoStatus = 1 << 4,
  NoCount = 1 << 5,
}

/** Status byte of the read-back command. */
const enum Status {
  NullCount = 1 << 6,
  Output = 1 << 7,
}

/** RW field of the control word. */
const enum Access { Latch = 0, Low = 1, High = 2, Word = 3 }

const enum Mode {
  TerminalCount = 0,
  OneShot = 1,
  RateGenerator = 2,
  SquareWave = 3,
  SoftwareStrobe = 4,
  HardwareStrobe = 5,
}

/** System control port B. */
const enum SystemControl {
  Gate2 = 1 << 0,
  Writable = 0x0f,
  Refresh = 1 << 4,
  Output2 = 1 << 5,
}

const REFRESH_TICKS: u64 = 18; // 15 microseconds
const TIMER_IRQ: u32 = 0;
const GATED_CHANNEL: u32 = 2;

// @ts-ignore: decorator
@unmanaged class Channel {
  /** PIT tick at which the count began; meaningless unless isCounting. */
  start: u64;
  /** 1 to 0x10000. */
  reload: u32;
  mode: u32;
  access: u32;
  /** A count was written and, in modes 1 and 5, a trigger has come. */
  isCounting: u32;
  /** A count was written since the control word. */
  isLoaded: u32;
  gate: u32;
  /** Count at which a low gate holds the channel. */
  heldCount: u32;
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

const CHANNELS = memory.data(192, 8); // 3 records
let systemControl: u32 = 0;

// @ts-ignore: decorator
@inline function channel(number: u32): Channel {
  return changetype<Channel>(CHANNELS + (number << 6));
}

export function resetPit(): void {
  memory.fill(CHANNELS, 0, 192);
  for (let number: u32 = 0; number < 3; number++) {
    const target = channel(number);
    target.reload = 0x10000;
    target.access = Access.Word;
    target.mode = Mode.SquareWave;
    target.gate = number == GATED_CHANNEL ? 0 : 1;
  }
  systemControl = 0;
  setPitDeadline(NEVER);
}

function tick(): u64 {
  return ticksAt(now(), PIT_FREQUENCY);
}

/** Modes 2 and 3 start anew at the end of the count. */
function isPeriodic(target: Channel): bool {
  return target.mode == Mode.RateGenerator || target.mode == Mode.SquareWave;
}

/** Modes 1 and 5 start at a rising gate. */
function isTriggered(target: Channel): bool {
  return target.mode == Mode.OneShot || target.mode == Mode.HardwareStrobe;
}

/** A low gate stops the count in all modes but the triggered ones. */
function isHeld(target: Channel): bool {
  return target.gate == 0 && !isTriggered(target);
}

/** Counting element at PIT tick `time`, 16 bits. */
function countAt(target: Channel, time: u64): u32 {
  if (target.isCounting == 0) return target.reload & 0xffff;
  if (isHeld(target)) return target.heldCount;
  const elapsed = time - target.start;
  switch (target.mode) {
    case Mode.RateGenerator: return (target.reload - <u32>(elapsed % target.reload)) & 0xffff;
    case Mode.SquareWave: return (target.reload - <u32>((elapsed << 1) % target.reload)) & 0xfffe;
    default: return (target.reload - <u32>elapsed) & 0xffff;
  }
}

/** OUT pin at PIT tick `time`. */
function outputAt(target: Channel, time: u64): bool {
  if (target.isCounting == 0) return target.mode != Mode.TerminalCount;
  if (isHeld(target)) return target.mode != Mode.TerminalCount;
  const elapsed = time - target.start;
  switch (target.mode) {
    case Mode.TerminalCount:
    case Mode.OneShot: return elapsed >= target.reload;
    case Mode.RateGenerator: return elapsed % target.reload != target.reload - 1;
    case Mode.SquareWave: return elapsed % target.reload < (target.reload + 1) >> 1;
    default: return elapsed != target.reload;
  }
}

/** Tick at which OUT of a counting channel first rises after `time`, or NEVER. */
function nextRise(target: Channel, time: u64): u64 {
  const first = target.start + target.reload;
  if (isPeriodic(target)) return time < first ? first : first + ((time - first) / target.reload + 1) * target.reload;
  const rise = target.mode == Mode.TerminalCount ? first : first + 1;
  return time < rise ? rise : NEVER;
}

/** Arms the deadline of channel 0 for its next interrupt after `time`. */
function schedule(time: u64): void {
  const target = channel(0);
  const rise = target.isCounting != 0 ? nextRise(target, time) : NEVER;
  setPitDeadline(rise == NEVER ? NEVER : tscOfTick(rise, PIT_FREQUENCY));
}

/** Raises the timer interrupt if it is due at TSC `time`; lost ticks are skipped. */
export function runPit(time: u64): void {
  if (time < pitDeadline()) return;
  setInterruptLine(TIMER_IRQ, false);
  setInterruptLine(TIMER_IRQ, true);
  schedule(ticksAt(time, PIT_FREQUENCY));
}

function begin(number: u32, target: Channel, time: u64): void {
  target.start = time;
  target.isCounting = 1;
  target.heldCount = target.reload & 0xffff;
  if (number == 0) schedule(time);
}

/** A full count was written. A periodic channel that runs should take it at its next reload; like most, it takes it at once. */
function loadCount(number: u32, count: u32): void {
  const target = channel(number);
  target.reload = count == 0 ? 0x10000 : count;
  target.isLoaded = 1;
  if (isTriggered(target)) return;
  if (number == 0 && target.mode == Mode.TerminalCount) setInterruptLine(TIMER_IRQ, false);
  begin(number, target, tick());
}

function writeCount(number: u32, value: u32): void {
  const target = channel(number);
  switch (target.access) {
    case Access.Low:
      loadCount(number, value);
      return;
    case Access.High:
      loadCount(number, value << 8);
      return;
  }
  if (target.writesHigh == 0) {
    target.lowByte = value;
    target.writesHigh = 1;
    return;
  }
  target.writesHigh = 0;
  loadCount(number, target.lowByte | (value << 8));
}

function latchCount(target: Channel): void {
  if (target.latchedBytes != 0) return;
  target.latchedCount = countAt(target, tick());
  target.latchedBytes = target.access;
}

function latchStatus(target: Channel): void {
  if (target.hasLatchedStatus != 0) return;
  target.hasLatchedStatus = 1;
  target.latchedStatus = (outputAt(target, tick()) ? Status.Output : 0)
    | (target.isLoaded != 0 ? 0 : Status.NullCount)
    | (target.access << 4) | (target.mode << 1);
}

function readBack(value: u32): void {
  for (let number: u32 = 0; number < 3; number++) {
    if (((value >> (number + 1)) & 1) == 0) continue;
    if ((value & ReadBack.NoCount) == 0) latchCount(channel(number));
    if ((value & ReadBack.NoStatus) == 0) latchStatus(channel(number));
  }
}

/** Mode 0 drives OUT low at once, the others high. */
function writeControl(value: u32): void {
  const number = value >> 6;
  if (number == READ_BACK) {
    readBack(value);
    return;
  }
  const target = channel(number);
  const access = (value >> 4) & 3;
  if (access == Access.Latch) {
    latchCount(target);
    return;
  }
  const mode = (value >> 1) & 7;
  target.access = access;
  target.mode = mode > <u32>Mode.HardwareStrobe ? mode & 3 : mode;
  target.isCounting = 0;
  target.isLoaded = 0;
  target.readsHigh = 0;
  target.writesHigh = 0;
  target.latchedBytes = 0;
  target.hasLatchedStatus = 0;
  if (number != 0) return;
  setInterruptLine(TIMER_IRQ, target.mode != Mode.TerminalCount);
  setPitDeadline(NEVER);
}

/** Writes a byte to one of the ports 0x40-0x43. */
export function writePit(port: u32, value: u32): void {
  if (port == PitPort.Control) writeControl(value);
  else writeCount(port - PitPort.Channel0, value);
}

function readLatched(target: Channel): u32 {
  const readsLow = (target.latchedBytes & Access.Low) != 0;
  target.latchedBytes &= readsLow ? Access.High : 0;
  return readsLow ? target.latchedCount & 0xff : target.latchedCount >> 8;
}

function readCount(target: Channel): u32 {
  const count = countAt(target, tick());
  switch (target.access) {
    case Access.Low: return count & 0xff;
    case Access.High: return count >> 8;
  }
  target.readsHigh ^= 1;
  return target.readsHigh != 0 ? count & 0xff : count >> 8;
}

/** Reads a byte from one of the ports 0x40-0x42; the control word cannot be read. */
export function readPit(port: u32): u32 {
  if (port == PitPort.Control) return 0xff;
  const target = channel(port - PitPort.Channel0);
  if (target.hasLatchedStatus != 0) {
    target.hasLatchedStatus = 0;
    return target.latchedStatus;
  }
  return target.latchedBytes != 0 ? readLatched(target) : readCount(target);
}

/** A rising gate triggers modes 1 and 5, restarts 2 and 3, and lets 0 and 4 go on. */
function raiseGate(target: Channel): void {
  const time = tick();
  const held = target.heldCount;
  const resumes = target.isCounting != 0 && !isPeriodic(target) && !isTriggered(target);
  target.gate = 1;
  if (target.isLoaded == 0) return;
  begin(GATED_CHANNEL, target, time);
  if (resumes) target.start = time - <u64>((target.reload - held) & 0xffff);
}

function lowerGate(target: Channel): void {
  target.heldCount = countAt(target, tick());
  target.gate = 0;
}

/** Port 0x61: gate of channel 2, speaker. */
export function writeSystemControl(value: u32): void {
  const target = channel(GATED_CHANNEL);
  const gate = value & SystemControl.Gate2;
  systemControl = value & SystemControl.Writable;
  if (gate == target.gate) return;
  if (gate != 0) raiseGate(target);
  else lowerGate(target);
}

export function readSystemControl(): u32 {
  const time = tick();
  const refresh: u32 = ((time / REFRESH_TICKS) & 1) != 0 ? SystemControl.Refresh : 0;
  const output: u32 = outputAt(channel(GATED_CHANNEL), time) ? SystemControl.Output2 : 0;
  return systemControl | refresh | output;
}
