// Alarm of the clock (MC146818A data sheet, "Time, Calendar and Alarm Locations").

import { NEVER } from "../deadlines";
import { Cmos, cmos, hoursFromRegister, hoursToRegister, fromRegister, toRegister } from "./cmos";

/** An alarm byte with both top bits set matches all. */
const ANY: u32 = 0xc0;
/** A byte that no time can equal, as 77h in BCD. */
const NONE: u32 = 0xffffffff;
const EVERY: u32 = 0xfffffffe;

const SECONDS_A_DAY: u64 = 86400;
/** Hours, minutes and seconds tried before a match at the latest, the broken ones at both ends included. */
const MOST_STEPS: u32 = 300;

/** What seconds or minutes must be: a number, EVERY or NONE. */
function wanted(at: u32): u32 {
  const byte = cmos(at);
  if ((byte & ANY) == ANY) return EVERY;
  const value = fromRegister(byte);
  return value < 60 && toRegister(value) == byte ? value : NONE;
}

function wantedHour(): u32 {
  const byte = cmos(Cmos.HoursAlarm);
  if ((byte & ANY) == ANY) return EVERY;
  const value = hoursFromRegister(byte);
  return value < 24 && hoursToRegister(value) == byte ? value : NONE;
}

// @ts-ignore: decorator
@inline function matches(field: u32, value: u32): bool {
  return field == EVERY || field == value;
}

/** First second after `after` that matches the alarm bytes, or NEVER. */
export function nextAlarm(after: u64): u64 {
  const hour = wantedHour();
  const minute = wanted(Cmos.MinutesAlarm);
  const second = wanted(Cmos.SecondsAlarm);
  if (hour == NONE || minute == NONE || second == NONE) return NEVER;
  let time = after + 1;
  for (let step: u32 = 0; step < MOST_STEPS; step++) {
    const ofDay = <u32>(time % SECONDS_A_DAY);
    if (!matches(hour, ofDay / 3600)) time += 3600 - ofDay % 3600;
    else if (!matches(minute, ofDay / 60 % 60)) time += 60 - ofDay % 60;
    else if (!matches(second, ofDay % 60)) time++;
    else return time;
  }
  return NEVER;
}
