// 8254 programmable interval timer (Intel 8254 data sheet) and port 0x61. Counts binary only; BCD is taken as binary.

import { now } from "../../imports";
import { ticksAt, tscOfTick } from "../clock";
import { NEVER, pitDeadline, setPitDeadline } from "../deadlines";
import { setInterruptLine } from "../interrupt-lines";
import {
  Access, channel, CHANNEL_COUNT, clearChannels, GATED_CHANNEL, isTriggered, lowerGate, Mode, nextRise, outputAt, raiseGate,
} from "./channel";
import { latchCount, latchStatus, readChannel } from "./latch";

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

export function resetPit(): void {
  clearChannels();
  systemControl = 0;
  setPitDeadline(NEVER);
}

function tick(): u64 {
  return ticksAt(now(), PIT_FREQUENCY);
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

/** A full count was written. A periodic channel that runs should take it at its next reload; like most, it takes it at once. */
function loadCount(number: u32, count: u32): void {
  const target = channel(number);
  target.reload = count == 0 ? 0x10000 : count;
  target.isLoaded = 1;
  if (isTriggered(target)) return;
  if (number == 0 && target.mode == Mode.TerminalCount) setInterruptLine(TIMER_IRQ, false);
  const time = tick();
  target.start = time;
  target.isCounting = 1;
  target.heldTicks = 0;
  if (number == 0) schedule(time);
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

function readBack(value: u32): void {
  const time = tick();
  for (let number: u32 = 0; number < CHANNEL_COUNT; number++) {
    if (((value >> (number + 1)) & 1) == 0) continue;
    if ((value & ReadBack.NoCount) == 0) latchCount(channel(number), time);
    if ((value & ReadBack.NoStatus) == 0) latchStatus(channel(number), time);
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
    latchCount(target, tick());
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

/** Reads a byte from one of the ports 0x40-0x42; the control word cannot be read. */
export function readPit(port: u32): u32 {
  if (port == PitPort.Control) return 0xff;
  return readChannel(channel(port - PitPort.Channel0), tick());
}

/** Port 0x61: gate of channel 2, speaker. */
export function writeSystemControl(value: u32): void {
  const target = channel(GATED_CHANNEL);
  const gate = value & SystemControl.Gate2;
  systemControl = value & SystemControl.Writable;
  if (gate == target.gate) return;
  if (gate != 0) raiseGate(target, tick());
  else lowerGate(target, tick());
}

export function readSystemControl(): u32 {
  const time = tick();
  const refresh: u32 = ((time / REFRESH_TICKS) & 1) != 0 ? SystemControl.Refresh : 0;
  const output: u32 = outputAt(channel(GATED_CHANNEL), time) ? SystemControl.Output2 : 0;
  return systemControl | refresh | output;
}
