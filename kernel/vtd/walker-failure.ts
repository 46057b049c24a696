// What the walkers of the remapping tables find, and where. The walkers share nothing with the code that builds the tables.

// Reasons that several checks give.
export const TABLE_EXPOSED: string = "a table lies in memory that a partition or a device can write";
export const UNEXPECTED_BIT: string = "an entry has a bit that must be otherwise";
export const WRONG_RIGHTS: string = "an entry has other rights than granted";
export const SOURCE_MISSING: string = "a device's source id has no entry";
export const DOMAIN_SHARED: string = "a domain id is reserved or stands for two partitions";
export const WRONG_TABLE: string = "a source id has the second-level table of another";
export const WRONG_WIDTH: string = "a source id has tables of another width";
export const WRONG_DOMAIN: string = "a source id has the domain id of another";
export const WRONG_TRANSLATION: string = "a source id has another kind of translation than granted";
export const FAULTS_HIDDEN: string = "an entry keeps faults from being recorded";
export const SOURCE_UNCHECKED: string = "an interrupt entry checks no source";
export const WRONG_DESCRIPTOR: string = "an interrupt entry is posted elsewhere than granted";

let failure: string = "";
let failedAddress: u64 = 0;
let failedEntry: u64 = 0;

/** What is wrong, after a walk that returned false. */
export function walkFailure(): string { return failure; }

/** Where: a device address, a source id (the bus in bits 15:8), or the index of an interrupt entry. */
export function walkFailureAddress(): u64 { return failedAddress; }

/** The u64 of the table, or the value of the list, that failed; 0 if something is missing. */
export function walkFailureEntry(): u64 { return failedEntry; }

/** Remembers what is wrong and where; false. */
export function failWalk(reason: string, address: u64, entry: u64): bool {
  failure = reason;
  failedAddress = address;
  failedEntry = entry;
  return false;
}
