// The wall clock of the machine: MC146818 real-time clock, in whatever format firmware left it.

import { pause } from "../../kernel/cpu/processor";
import { in8, out8 } from "../../drivers/port";

const INDEX: u16 = 0x70;
const DATA: u16 = 0x71;

const enum Register {
  Seconds = 0x00,
  Minutes = 0x02,
  Hours = 0x04,
  Day = 0x07,
  Month = 0x08,
  Year = 0x09,
  StatusA = 0x0a,
  StatusB = 0x0b,
}

const UPDATE_IN_PROGRESS: u8 = 1 << 7;
const BINARY: u8 = 1 << 2;
const HOURS_24: u8 = 1 << 1;
const AFTERNOON: u8 = 1 << 7;
/** An update takes at most 2 ms; each look takes about 1 us. */
const WAIT_LOOKS: u32 = 100_000;
const SECONDS_A_DAY: u64 = 86_400;

/** Seconds since 1970-01-01 UTC; 0 where no clock answers. */
export function readWallClock(): u64 {
  for (let looks: u32 = 0; readRegister(Register.StatusA) & UPDATE_IN_PROGRESS; looks++) {
    if (looks == WAIT_LOOKS) return 0;
    pause();
  }
  const month = readNumber(Register.Month);
  if (month < 1 || month > 12) return 0;
  const days = daysSinceEpoch(2000 + readNumber(Register.Year), month, readNumber(Register.Day));
  return days * SECONDS_A_DAY + readHours() * 3600 + readNumber(Register.Minutes) * 60 + readNumber(Register.Seconds);
}

function readRegister(register: Register): u8 {
  out8(INDEX, <u8>register);
  return in8(DATA);
}

function readNumber(register: Register): u64 {
  return decode(readRegister(register));
}

function decode(value: u8): u64 {
  if (readRegister(Register.StatusB) & BINARY) return value;
  return <u64>(value >> 4) * 10 + (value & 0xf);
}

function readHours(): u64 {
  const value = readRegister(Register.Hours);
  if (readRegister(Register.StatusB) & HOURS_24) return decode(value);
  const hours = decode(value & ~AFTERNOON) % 12;
  return value & AFTERNOON ? hours + 12 : hours;
}

/** Days from 1970-01-01 to a day of the Gregorian calendar, with the year taken to start in March. */
function daysSinceEpoch(year: u64, month: u64, day: u64): u64 {
  const marchYear = month > 2 ? year : year - 1;
  const marchMonth = month > 2 ? month - 3 : month + 9;
  const dayOfYear = (153 * marchMonth + 2) / 5 + day - 1;
  return marchYear * 365 + marchYear / 4 - marchYear / 100 + marchYear / 400 + dayOfYear - 719_468;
}
