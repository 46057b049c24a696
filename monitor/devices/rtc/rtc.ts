// Real-time clock and CMOS memory (MC146818A data sheet) at 0x70 and 0x71, with the century in byte 0x32.

import { tscFrequency, wallClock } from "../../configuration";
import { now } from "../../imports";
import { NEVER, rtcDeadline, setRtcDeadline } from "../deadlines";
import { setInterruptLine } from "../interrupt-lines";
import { UNIX_EPOCH } from "./calendar";
import { nextAlarm } from "./alarm";
import {
  clearCmos, Cmos, cmos, isDividerReset, isTimeRegister, loadTime, RegisterA, RegisterB, RegisterC, setCmos, storeTime,
} from "./cmos";
import { nextPeriod, restartPeriods, takePeriod } from "./periodic";

export const enum RtcPort { Index = 0x70, Data = 0x71 }

const DIVIDER_AND_RATE: u32 = 0x26; // 32768 Hz, 1024 Hz
const VALID_RAM_AND_TIME: u32 = 1 << 7; // register D

const RTC_IRQ: u32 = 8;

let index: u32 = 0;
let flags: u32 = 0;
let frequency: u64 = 1;
/** Time and TSC from which the clock counts. While it is stopped it stands at the time, and the TSC keeps the phase of the seconds. */
let baseTime: u64 = 0;
let baseTsc: u64 = 0;
/** Time up to which update-ended and alarm flags are settled. */
let settledTime: u64 = 0;

function isStopped(): bool {
  return (cmos(Cmos.RegisterB) & RegisterB.Set) != 0 || isDividerReset();
}

function timeAt(tsc: u64): u64 {
  return isStopped() ? baseTime : baseTime + (tsc - baseTsc) / frequency;
}

/** TSC at which the second of `tsc` began. */
function secondStart(tsc: u64): u64 {
  return tsc - (tsc - baseTsc) % frequency;
}

export function resetRtc(): void {
  clearCmos();
  setCmos(Cmos.RegisterA, DIVIDER_AND_RATE);
  setCmos(Cmos.RegisterB, RegisterB.Hours24);
  setCmos(Cmos.RegisterD, VALID_RAM_AND_TIME);
  index = 0;
  flags = 0;
  frequency = tscFrequency();
  baseTime = UNIX_EPOCH + wallClock();
  baseTsc = now();
  settledTime = baseTime;
  restartPeriods(baseTsc);
  setInterruptLine(RTC_IRQ, false);
  setRtcDeadline(NEVER);
}

function updateLine(): void {
  const isRequested = (flags & cmos(Cmos.RegisterB) & RegisterC.Sources) != 0;
  flags = isRequested ? flags | RegisterC.Request : flags & ~RegisterC.Request;
  setInterruptLine(RTC_IRQ, isRequested);
}

function secondAt(time: u64): u64 {
  return time == NEVER ? NEVER : baseTsc + (time - baseTime) * frequency;
}

/** The next event of which an interrupt is enabled; a flag that is set already needs none. */
function schedule(tsc: u64): void {
  const awaited = cmos(Cmos.RegisterB) & ~flags;
  let next = (awaited & RegisterB.PeriodicEnable) != 0 ? nextPeriod(tsc) : NEVER;
  if (!isStopped()) {
    const time = timeAt(tsc);
    if ((awaited & RegisterB.UpdateEndedEnable) != 0) next = min(next, secondAt(time + 1));
    if ((awaited & RegisterB.AlarmEnable) != 0) next = min(next, secondAt(nextAlarm(time)));
  }
  setRtcDeadline(next);
}

/** Sets the flags of what has happened since the last call. */
function settle(tsc: u64): void {
  if (takePeriod(tsc)) flags |= RegisterC.Periodic;
  const time = timeAt(tsc);
  if (time != settledTime) {
    flags |= RegisterC.UpdateEnded;
    if (nextAlarm(settledTime) <= time) flags |= RegisterC.Alarm;
    settledTime = time;
  }
  updateLine();
}

/** An event has come while an interrupt waits for it. */
export function runRtc(tsc: u64): void {
  if (tsc < rtcDeadline()) return;
  settle(tsc);
  schedule(tsc);
}

/** UIP: an update comes within 244 microseconds, a 4096th of a second. */
function readRegisterA(tsc: u64): u32 {
  const untilUpdate = frequency - (tsc - baseTsc) % frequency;
  const isUpdating = !isStopped() && untilUpdate <= frequency >> 12;
  return cmos(Cmos.RegisterA) | (isUpdating ? RegisterA.UpdateInProgress : 0);
}

/** Reading register C clears it and ends the interrupt. */
function readRegisterC(tsc: u64): u32 {
  settle(tsc);
  const value = flags;
  flags = 0;
  updateLine();
  schedule(tsc);
  return value;
}

function readData(): u32 {
  const tsc = now();
  switch (index) {
    case Cmos.RegisterA: return readRegisterA(tsc);
    case Cmos.RegisterC: return readRegisterC(tsc);
  }
  if (isTimeRegister(index) && !isStopped()) storeTime(timeAt(tsc));
  return cmos(index);
}

function setTime(time: u64, tsc: u64): void {
  baseTime = time;
  baseTsc = tsc;
  settledTime = time;
}

/** The chain starts in the middle of a second; without a reset the seconds keep their phase. */
function startClock(tsc: u64, wasReset: bool): void {
  setTime(loadTime(), wasReset ? tsc - (frequency >> 1) : secondStart(tsc));
}

/** While SET is on or the chain is reset the registers hold still and take a new time, which then counts on. */
function writeControl(value: u32, tsc: u64): void {
  settle(tsc);
  const wasStopped = isStopped();
  const wasReset = isDividerReset();
  const time = timeAt(tsc);
  if (!wasStopped) storeTime(time);
  setCmos(index, value);
  if (wasStopped && !isStopped()) startClock(tsc, wasReset);
  else if (!wasStopped && isStopped()) setTime(time, secondStart(tsc));
  if (index == Cmos.RegisterA) restartPeriods(tsc);
  updateLine();
  schedule(tsc);
}

function writeTime(value: u32, tsc: u64): void {
  settle(tsc);
  if (!isStopped()) storeTime(timeAt(tsc));
  setCmos(index, value);
  if (!isStopped()) setTime(loadTime(), secondStart(tsc));
  schedule(tsc);
}

function isAlarmRegister(): bool {
  return index == Cmos.SecondsAlarm || index == Cmos.MinutesAlarm || index == Cmos.HoursAlarm;
}

function writeAlarm(value: u32, tsc: u64): void {
  settle(tsc);
  setCmos(index, value);
  schedule(tsc);
}

function writeData(value: u32): void {
  const tsc = now();
  switch (index) {
    case Cmos.RegisterA:
      writeControl(value & ~RegisterA.UpdateInProgress, tsc);
      return;
    case Cmos.RegisterB: // SET clears UIE
      writeControl((value & RegisterB.Set) != 0 ? value & ~RegisterB.UpdateEndedEnable : value, tsc);
      return;
    case Cmos.RegisterC:
    case Cmos.RegisterD:
      return;
  }
  if (isTimeRegister(index)) writeTime(value, tsc);
  else if (isAlarmRegister()) writeAlarm(value, tsc);
  else setCmos(index, value);
}

/** Reads port 0x71; the index at 0x70 cannot be read. */
export function readRtc(port: u32): u32 {
  return port == RtcPort.Data ? readData() : 0xff;
}

/** Writes port 0x70 (bit 7 masks the NMI and is not an index bit) or 0x71. */
export function writeRtc(port: u32, value: u32): void {
  if (port == RtcPort.Data) writeData(value);
  else index = value & (Cmos.Size - 1);
}
