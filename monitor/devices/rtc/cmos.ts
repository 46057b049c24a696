// CMOS memory of the clock: its registers and their formats (MC146818A data sheet, "Time, Calendar and Alarm Locations").

import { decodeDate, decodedDay, decodedMonth, decodedYear, encodeDate, weekday } from "./calendar";

/** Bytes of the CMOS memory. */
export const enum Cmos {
  Seconds = 0x00,
  SecondsAlarm = 0x01,
  Minutes = 0x02,
  MinutesAlarm = 0x03,
  Hours = 0x04,
  HoursAlarm = 0x05,
  DayOfWeek = 0x06,
  DayOfMonth = 0x07,
  Month = 0x08,
  Year = 0x09,
  RegisterA = 0x0a,
  RegisterB = 0x0b,
  RegisterC = 0x0c,
  RegisterD = 0x0d,
  Century = 0x32,
  Size = 128,
}

export const enum RegisterA {
  RateMask = 0x0f,
  DividerReset = 3 << 5, // DV 11x holds the chain
  UpdateInProgress = 1 << 7,
}

/** Flags in register C; each lies at the bit of its enable in register B. */
export const enum RegisterC {
  UpdateEnded = 1 << 4,
  Alarm = 1 << 5,
  Periodic = 1 << 6,
  Sources = UpdateEnded | Alarm | Periodic,
  Request = 1 << 7,
}

export const enum RegisterB {
  Hours24 = 1 << 1,
  Binary = 1 << 2,
  UpdateEndedEnable = 1 << 4, // UIE
  AlarmEnable = 1 << 5, // AIE
  PeriodicEnable = 1 << 6, // PIE
  Set = 1 << 7,
}

const PM: u32 = 1 << 7;
const MEMORY = memory.data(128, 8);

// @ts-ignore: decorator
@inline export function cmos(at: u32): u32 {
  return load<u8>(MEMORY + at);
}

export function setCmos(at: u32, value: u32): void {
  store<u8>(MEMORY + at, <u8>value);
}

export function clearCmos(): void {
  memory.fill(MEMORY, 0, Cmos.Size);
}

export function toRegister(value: u32): u32 {
  return (cmos(Cmos.RegisterB) & RegisterB.Binary) != 0 ? value : (value / 10) << 4 | value % 10;
}

export function fromRegister(value: u32): u32 {
  return (cmos(Cmos.RegisterB) & RegisterB.Binary) != 0 ? value : (value >> 4) * 10 + (value & 0xf);
}

export function hoursToRegister(hours: u32): u32 {
  if ((cmos(Cmos.RegisterB) & RegisterB.Hours24) != 0) return toRegister(hours);
  const half = hours % 12;
  return toRegister(half == 0 ? 12 : half) | (hours >= 12 ? PM : 0);
}

export function hoursFromRegister(value: u32): u32 {
  if ((cmos(Cmos.RegisterB) & RegisterB.Hours24) != 0) return fromRegister(value);
  return fromRegister(value & ~PM) % 12 + ((value & PM) != 0 ? 12 : 0);
}

/** Stores a time, in seconds from 0000-03-01, in the format that register B asks for. */
export function storeTime(time: u64): void {
  const seconds = <u32>(time % 86400);
  decodeDate(time);
  setCmos(Cmos.Seconds, toRegister(seconds % 60));
  setCmos(Cmos.Minutes, toRegister(seconds / 60 % 60));
  setCmos(Cmos.Hours, hoursToRegister(seconds / 3600));
  setCmos(Cmos.DayOfWeek, weekday(time));
  setCmos(Cmos.DayOfMonth, toRegister(decodedDay()));
  setCmos(Cmos.Month, toRegister(decodedMonth()));
  setCmos(Cmos.Year, toRegister(decodedYear() % 100));
  setCmos(Cmos.Century, toRegister(decodedYear() / 100));
}

/** The time that the registers hold, in seconds from 0000-03-01. */
export function loadTime(): u64 {
  const year = fromRegister(cmos(Cmos.Century)) * 100 + fromRegister(cmos(Cmos.Year));
  const date = encodeDate(year, fromRegister(cmos(Cmos.Month)), fromRegister(cmos(Cmos.DayOfMonth)));
  const minutes = hoursFromRegister(cmos(Cmos.Hours)) * 60 + fromRegister(cmos(Cmos.Minutes));
  return date + minutes * 60 + fromRegister(cmos(Cmos.Seconds));
}

/** The divider chain stands still, and with it time and periods. */
export function isDividerReset(): bool {
  return (cmos(Cmos.RegisterA) & RegisterA.DividerReset) == RegisterA.DividerReset;
}

export function isTimeRegister(at: u32): bool {
  return at == Cmos.Century || (at <= <u32>Cmos.Year && (at > <u32>Cmos.HoursAlarm || (at & 1) == 0));
}
