// 8254 programmable interval timer (Intel 8254 data sheet) and port 0x61.

import { now } from "../../imports";
import { ticksAt, tscOfTick } from "../clock";
import { LEAST_PROGRESS, NEVER, pitDeadline, setPitDeadline } from "../deadlines";
import { setInterruptLine } from "../interrupt-lines";
import {
  Access, Channel, channel, CHANNEL_COUNT, clearChannels, fromRegister, GATED_CHANNEL, isHeld, isPeriodic, isTriggered, Mode, outputAt,
} from "./channel";
import { latchCount, latchStatus, readChannel } from "./latch";
import { lowerGate, nextRise, queueCount, raiseGate, settleReload } from "./reload";

export const PIT_FREQUENCY: u64 = 1193182; // Hz

export const enum PitPort {
  Channel0 = 0x40,
  Channel1 = 0x41,
  Channel2 = 0x42,
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

/** System control port B. */
const enum SystemControl {
  Gate2 = 1 << 0,
  Writable = 0x0f,
  Refresh = 1 << 4,
  Output2 = 1 << 5,
}

const REFRESH_TICKS: u64 = 18; // 15 microseconds
const TIMER_IRQ: u32 = 0;

let systemControl: u32 = 0;

/** OUT of channel 0 is high, so that programming a mode that begins high is no edge. */
export function resetPit(): void {
  clearChannels();
  systemControl = 0;
  setInterruptLine(TIMER_IRQ, true);
  setPitDeadline(NEVER);
}

function tick(): u64 {
  return ticksAt(now(), PIT_FREQUENCY);
}

/** A channel as it is at PIT tick `time`. */
function channelAt(number: u32, time: u64): Channel {
  const target = channel(number);
  settleReload(target, time);
  return target;
}

/** Arms the deadline of channel 0 for its next interrupt after `time`, at TSC `earliest` or later. */
function schedule(time: u64, earliest: u64): void {
  const target = channelAt(0, time);
  const rise = target.isCounting != 0 ? nextRise(target, time) : NEVER;
  setPitDeadline(rise == NEVER ? NEVER : max(tscOfTick(rise, PIT_FREQUENCY), earliest));
}

/** Raises the timer interrupt if it is due at TSC `time`; lost ticks are skipped. */
export function runPit(time: u64): void {
  if (time < pitDeadline()) return;
  setInterruptLine(TIMER_IRQ, false);
  setInterruptLine(TIMER_IRQ, true);
  schedule(ticksAt(time, PIT_FREQUENCY), time + LEAST_PROGRESS);
}

/** Channels that run periodically take a count when their period ends, triggered ones when the trigger comes, others at once. */
function takesLater(target: Channel): bool {
  return isTriggered(target) || (isPeriodic(target) && target.isCounting != 0 && !isHeld(target));
}

function beginCount(target: Channel, count: u32, time: u64): void {
  target.reload = count;
  target.next = 0;
  target.start = time;
  target.isCounting = 1;
  target.heldTicks = 0;
}

/** A full count was written. */
function loadCount(number: u32, value: u32): void {
  const time = tick();
  const target = channelAt(number, time);
  const count = fromRegister(target, value);
  target.isLoaded = 1;
  if (takesLater(target)) queueCount(target, count, time);
  else beginCount(target, count, time);
  if (number != 0) return;
  if (target.mode == Mode.TerminalCount) setInterruptLine(TIMER_IRQ, false);
  schedule(time, 0);
}

/** The first of two bytes stops mode 0 and takes OUT low. */
function writeLowByte(number: u32, value: u32): void {
  const target = channel(number);
  target.lowByte = value;
  target.writesHigh = 1;
  if (target.mode != Mode.TerminalCount) return;
  target.isCounting = 0;
  if (number != 0) return;
  setInterruptLine(TIMER_IRQ, false);
  setPitDeadline(NEVER);
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
    writeLowByte(number, value);
    return;
  }
  target.writesHigh = 0;
  loadCount(number, target.lowByte | (value << 8));
}

function readBack(value: u32): void {
  const time = tick();
  for (let number: u32 = 0; number < CHANNEL_COUNT; number++) {
    if (((value >> (number + 1)) & 1) == 0) continue;
    if ((value & ReadBack.NoCount) == 0) latchCount(channelAt(number, time), time);
    if ((value & ReadBack.NoStatus) == 0) latchStatus(channelAt(number, time), time);
  }
}

/** Mode 0 drives OUT low at once, the others high. */
function writeControl(value: u32): void {
  const number = value >> 6;
  if (number == READ_BACK) {
    readBack(value);
    return;
  }
  const time = tick();
  const target = channelAt(number, time);
  const access = (value >> 4) & 3;
  if (access == Access.Latch) {
    latchCount(target, time);
    return;
  }
  const mode = (value >> 1) & 7;
  target.access = access;
  target.mode = mode > <u32>Mode.HardwareStrobe ? mode & 3 : mode;
  target.isDecimal = value & 1;
  target.isCounting = 0;
  target.isLoaded = 0;
  target.next = 0;
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

/** Reads a byte from one of the ports 0x40-0x42; the control word cannot be read. */
export function readPit(port: u32): u32 {
  if (port == PitPort.Control) return 0xff;
  const time = tick();
  return readChannel(channelAt(port - PitPort.Channel0, time), time);
}

/** Port 0x61: gate of channel 2, speaker. */
export function writeSystemControl(value: u32): void {
  const time = tick();
  const target = channelAt(GATED_CHANNEL, time);
  const gate = value & SystemControl.Gate2;
  systemControl = value & SystemControl.Writable;
  if (gate == target.gate) return;
  if (gate != 0) raiseGate(target, time);
  else lowerGate(target, time);
}

export function readSystemControl(): u32 {
  const time = tick();
  const refresh: u32 = ((time / REFRESH_TICKS) & 1) != 0 ? SystemControl.Refresh : 0;
  const output: u32 = outputAt(channelAt(GATED_CHANNEL, time), time) ? SystemControl.Output2 : 0;
  return systemControl | refresh | output;
}
