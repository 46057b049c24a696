// Real-time clock and CMOS memory (MC146818A data sheet) at 0x70 and 0x71, with the century in byte 0x32.

import { tscFrequency, wallClock } from "../../configuration";
import { now } from "../../imports";
import { NEVER, rtcDeadline, setRtcDeadline } from "../deadlines";
import { setInterruptLine } from "../interrupt-lines";
import { UNIX_EPOCH } from "./calendar";
import { clearCmos, Cmos, cmos, isTimeRegister, loadTime, RegisterB, setCmos, storeTime } from "./cmos";

export const enum RtcPort { Index = 0x70, Data = 0x71 }

const UPDATE_IN_PROGRESS: u32 = 1 << 7; // register A
const DIVIDER_AND_RATE: u32 = 0x26; // 32768 Hz, 1024 Hz
const VALID_RAM_AND_TIME: u32 = 1 << 7; // register D

/** Flags; each lies at the bit of its enable in register B. */
const enum RegisterC {
  UpdateEnded = 1 << 4,
  Alarm = 1 << 5,
  Sources = UpdateEnded | Alarm,
  Request = 1 << 7,
}

const RTC_IRQ: u32 = 8;
/** An alarm byte with both top bits set matches all. */
const ANY: u32 = 0xc0;

let index: u32 = 0;
let flags: u32 = 0;
let frequency: u64 = 1;
/** Time and TSC from which the clock counts; while SET is on it stands at the time. */
let baseTime: u64 = 0;
let baseTsc: u64 = 0;
/** Time up to which update-ended and alarm flags are settled. */
let settledTime: u64 = 0;

function isStopped(): bool {
  return (cmos(Cmos.RegisterB) & RegisterB.Set) != 0;
}

function timeAt(tsc: u64): u64 {
  return isStopped() ? baseTime : baseTime + (tsc - baseTsc) / frequency;
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
  setInterruptLine(RTC_IRQ, false);
  setRtcDeadline(NEVER);
}

function matches(alarm: u32, current: u32): bool {
  return (alarm & ANY) == ANY || alarm == current;
}

function isAlarmTime(time: u64): bool {
  storeTime(time);
  return matches(cmos(Cmos.SecondsAlarm), cmos(Cmos.Seconds))
    && matches(cmos(Cmos.MinutesAlarm), cmos(Cmos.Minutes))
    && matches(cmos(Cmos.HoursAlarm), cmos(Cmos.Hours));
}

function updateLine(): void {
  const isRequested = (flags & cmos(Cmos.RegisterB) & RegisterC.Sources) != 0;
  flags = isRequested ? flags | RegisterC.Request : flags & ~RegisterC.Request;
  setInterruptLine(RTC_IRQ, isRequested);
}

/** Each second is looked at only while one of its interrupts is enabled. */
function schedule(tsc: u64): void {
  const enables = cmos(Cmos.RegisterB) & (RegisterB.UpdateEndedEnable | RegisterB.AlarmEnable);
  if (enables == 0 || isStopped()) setRtcDeadline(NEVER);
  else setRtcDeadline(baseTsc + ((tsc - baseTsc) / frequency + 1) * frequency);
}

/** Sets the flags of the update cycles since the last call; of several only the last is compared with the alarm. */
function settle(tsc: u64): void {
  const time = timeAt(tsc);
  if (time == settledTime) return;
  settledTime = time;
  flags |= RegisterC.UpdateEnded;
  if (isAlarmTime(time)) flags |= RegisterC.Alarm;
  updateLine();
}

/** The second has changed while an interrupt waits for it. */
export function runRtc(tsc: u64): void {
  if (tsc < rtcDeadline()) return;
  settle(tsc);
  schedule(tsc);
}

/** UIP: an update comes within 244 microseconds, a 4096th of a second. */
function readRegisterA(tsc: u64): u32 {
  const untilUpdate = frequency - (tsc - baseTsc) % frequency;
  const isUpdating = !isStopped() && untilUpdate <= frequency >> 12;
  return cmos(Cmos.RegisterA) | (isUpdating ? UPDATE_IN_PROGRESS : 0);
}

/** Reading register C clears it and ends the interrupt. */
function readRegisterC(tsc: u64): u32 {
  settle(tsc);
  const value = flags;
  flags = 0;
  updateLine();
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

/** While SET is on the registers hold still and take a new time, which counts from when SET goes off. */
function writeRegisterB(value: u32, tsc: u64): void {
  settle(tsc);
  const wasStopped = isStopped();
  const time = timeAt(tsc);
  if (!wasStopped) storeTime(time);
  const starts = wasStopped && (value & RegisterB.Set) == 0;
  setCmos(Cmos.RegisterB, value);
  if (starts) setTime(loadTime(), tsc);
  else if (!wasStopped && isStopped()) setTime(time, tsc);
  updateLine();
  schedule(tsc);
}

function writeTime(value: u32, tsc: u64): void {
  if (!isStopped()) storeTime(timeAt(tsc));
  setCmos(index, value);
  if (isStopped()) return;
  setTime(loadTime(), tsc);
  schedule(tsc);
}

function writeData(value: u32): void {
  const tsc = now();
  switch (index) {
    case Cmos.RegisterA:
      setCmos(index, value & ~UPDATE_IN_PROGRESS);
      return;
    case Cmos.RegisterB:
      writeRegisterB(value, tsc);
      return;
    case Cmos.RegisterC:
    case Cmos.RegisterD:
      return;
  }
  if (isTimeRegister(index)) writeTime(value, tsc);
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
