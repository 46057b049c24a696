// What the walkers of the remapping tables find, and where. The walkers share nothing with the code that builds the tables.

export const enum WalkStatus {
  Good = 0,
  /** Neither 3 nor 4 nor 5 levels. */
  LevelsUnknown = 1,
  /** A table lies beyond the memory that can be read. */
  TableOutOfReach = 2,
  /** A table lies in memory that a partition or a device can write. */
  TableExposed = 3,
  /** More tables without a grant than unmapping leaves behind. */
  TooManyTables = 4,
  /** A bit is set or clear against what the entry must be: reserved, ignored or a feature that nobody asked for. */
  UnexpectedBit = 5,
  /** A leaf of a size that some unit does not know. */
  LargeLeaf = 6,
  /** A leaf maps addresses that no grant holds as a whole. */
  NotGranted = 7,
  /** A leaf leads elsewhere than its grant says. */
  WrongAddress = 8,
  /** An entry allows more or less than reading and writing as granted. */
  WrongRights = 9,
  /** A leaf leads to memory that no device may reach, whatever the grants say. */
  ProtectedMapped = 10,
  /** Granted bytes are not mapped; the entry says how many. */
  NotMapped = 11,
  /** A source id that is not in the list has a present entry. */
  UnknownSource = 12,
  /** A source id of the list has no present entry. */
  SourceMissing = 13,
  /** The list names a source id twice. */
  SourceTwice = 14,
  /** A domain id is 0, has more than 16 bits, or stands for two second-level tables, or one such table has two domain ids. */
  DomainShared = 15,
  /** A source id has other second-level tables than the list says. */
  WrongTable = 16,
  /** A source id has tables of another width. */
  WrongWidth = 17,
  /** A source id has another domain id. */
  WrongDomain = 18,
  /** Pass-through, first-level, or a device TLB against what the list says. */
  WrongTranslation = 19,
  /** A present entry keeps the unit from recording faults (FPD). */
  FaultsHidden = 20,
  /** A PASID other than 0 has an entry. */
  UnknownPasid = 21,
  /** An interrupt entry is present that is not in the list. */
  UnknownInterrupt = 22,
  /** An interrupt entry of the list is not present, or lies beyond the table. */
  InterruptMissing = 23,
  /** The list names an interrupt entry twice. */
  InterruptTwice = 24,
  WrongVector = 25,
  WrongDestination = 26,
  WrongTrigger = 27,
  /** Another source than the list says may use the interrupt entry. */
  WrongSource = 28,
  /** The entry, or the list, lets any source use the interrupt (SVT 0 or the reserved 3). */
  SourceUnchecked = 29,
  /** Remapped in place of posted or the other way round, or another posted-interrupt descriptor. */
  WrongDescriptor = 30,
}

let failedAddress: u64 = 0;
let failedEntry: u64 = 0;

/** What failed: a device address, a source id (the bus in bits 15:8), or the index of an interrupt entry. */
export function walkFailureAddress(): u64 { return failedAddress; }

/** The u64 of the table, or the value of the list, that failed; 0 if something is missing. */
export function walkFailureEntry(): u64 { return failedEntry; }

/** Forgets the last walk's failure. */
export function beginWalk(): void {
  failedAddress = 0;
  failedEntry = 0;
}

export function failWalk(status: WalkStatus, address: u64, entry: u64): WalkStatus {
  failedAddress = address;
  failedEntry = entry;
  return status;
}

export function walkStatusText(status: u32): string {
  switch (status) {
    case WalkStatus.Good: return "as granted";
    case WalkStatus.LevelsUnknown: return "second-level tables of neither 3 nor 4 nor 5 levels";
    case WalkStatus.TableOutOfReach: return "a table lies beyond the memory that can be read";
    case WalkStatus.TableExposed: return "a table lies in memory that a partition or a device can write";
    case WalkStatus.TooManyTables: return "too many tables map nothing";
    case WalkStatus.UnexpectedBit: return "an entry has a bit that must be otherwise";
    case WalkStatus.LargeLeaf: return "a leaf has a size that a unit does not know";
    case WalkStatus.NotGranted: return "a leaf maps addresses that no grant holds";
    case WalkStatus.WrongAddress: return "a leaf leads elsewhere than granted";
    case WalkStatus.WrongRights: return "an entry has other rights than granted";
    case WalkStatus.ProtectedMapped: return "a leaf leads to memory that no device may reach";
    case WalkStatus.NotMapped: return "granted memory is not mapped";
    default: return remappingText(status);
  }
}

function remappingText(status: u32): string {
  switch (status) {
    case WalkStatus.UnknownSource: return "a source id that nobody owns has an entry";
    case WalkStatus.SourceMissing: return "a device's source id has no entry";
    case WalkStatus.SourceTwice: return "a source id is listed twice";
    case WalkStatus.DomainShared: return "a domain id is reserved or stands for two partitions";
    case WalkStatus.WrongTable: return "a source id has the second-level table of another";
    case WalkStatus.WrongWidth: return "a source id has tables of another width";
    case WalkStatus.WrongDomain: return "a source id has the domain id of another";
    case WalkStatus.WrongTranslation: return "a source id has another kind of translation than granted";
    case WalkStatus.FaultsHidden: return "an entry keeps faults from being recorded";
    case WalkStatus.UnknownPasid: return "a PASID that nobody uses has an entry";
    default: return interruptText(status);
  }
}

function interruptText(status: u32): string {
  switch (status) {
    case WalkStatus.UnknownInterrupt: return "an interrupt entry that nobody uses is present";
    case WalkStatus.InterruptMissing: return "an interrupt entry is missing";
    case WalkStatus.InterruptTwice: return "an interrupt entry is listed twice";
    case WalkStatus.WrongVector: return "an interrupt entry has another vector than granted";
    case WalkStatus.WrongDestination: return "an interrupt entry leads to another core than granted";
    case WalkStatus.WrongTrigger: return "an interrupt entry has another trigger mode than granted";
    case WalkStatus.WrongSource: return "an interrupt entry belongs to another source than granted";
    case WalkStatus.SourceUnchecked: return "an interrupt entry checks no source";
    case WalkStatus.WrongDescriptor: return "an interrupt entry is posted elsewhere than granted";
    default: return "unknown reason";
  }
}
