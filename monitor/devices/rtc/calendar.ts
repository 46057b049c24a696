// Gregorian calendar, counted in seconds from 0000-03-01 so that everything stays unsigned.

/** Seconds from 0000-03-01 to 1970-01-01. */
export const UNIX_EPOCH: u64 = 719468 * 86400;

const SECONDS_A_DAY: u64 = 86400;
const DAYS_AN_ERA: u64 = 146097; // 400 years
const DAYS_A_YEAR: u64 = 365;
const SHIFTED_MONTHS: u32 = 2; // years begin in March, so that the leap day comes last

let year: u32 = 0;
let month: u32 = 1;
let day: u32 = 1;

/** Sets what decodedYear(), decodedMonth() and decodedDay() return. */
export function decodeDate(seconds: u64): void {
  const days = seconds / SECONDS_A_DAY;
  const era = days / DAYS_AN_ERA;
  const dayOfEra = days - era * DAYS_AN_ERA;
  const yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146096) / DAYS_A_YEAR;
  const dayOfYear = <u32>(dayOfEra - (DAYS_A_YEAR * yearOfEra + yearOfEra / 4 - yearOfEra / 100));
  const shifted = (5 * dayOfYear + SHIFTED_MONTHS) / 153;
  day = dayOfYear - (153 * shifted + 2) / 5 + 1;
  month = shifted < 10 ? shifted + 3 : shifted - 9;
  year = <u32>(yearOfEra + era * 400) + (month <= SHIFTED_MONTHS ? 1 : 0);
}

export function decodedYear(): u32 {
  return year;
}

/** 1 to 12. */
export function decodedMonth(): u32 {
  return month;
}

/** 1 to 31. */
export function decodedDay(): u32 {
  return day;
}

/** 1 for Sunday to 7; 0000-03-01 was a Wednesday. */
export function weekday(seconds: u64): u32 {
  return <u32>((seconds / SECONDS_A_DAY + 3) % 7) + 1;
}

/** Midnight of a date; fields out of range give some date, never an error. */
export function encodeDate(ofYear: u32, ofMonth: u32, ofDay: u32): u64 {
  const shifted = ofMonth > SHIFTED_MONTHS ? ofMonth - 3 : ofMonth + 9;
  const years = <u64>ofYear - (ofMonth <= SHIFTED_MONTHS ? 1 : 0);
  const days = years * DAYS_A_YEAR + years / 4 - years / 100 + years / 400 + (153 * shifted + 2) / 5 + ofDay - 1;
  return days * SECONDS_A_DAY;
}
