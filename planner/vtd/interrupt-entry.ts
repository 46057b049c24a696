// Entries of the interrupt remapping table, VT-d 4.1 9.9 and 9.10.
//
//   remapped   P, TM, V, DST          | SID, SQ, SVT
//   posted     P, URG, IM, V, PDA low | SID, SQ, SVT, PDA high

/** P */
export const ENTRY_PRESENT: u64 = 1 << 0;
/** TM: level triggered. */
export const ENTRY_LEVEL: u64 = 1 << 4;
/** URG: a posted interrupt that notifies at once, even while notifications are suppressed. */
export const ENTRY_URGENT: u64 = 1 << 14;
/** IM: the entry posts. */
export const ENTRY_POSTED: u64 = 1 << 15;

/** V, bits 23:16. */
const VECTOR_SHIFT: u64 = 16;
/** DST, bits 63:32. */
const DESTINATION_SHIFT: u64 = 32;
/** Identifiers that stand for all cores. */
const XAPIC_BROADCAST: u32 = 0xff;
const X2APIC_BROADCAST: u32 = 0xffffffff;
/** PDA bits 31:6 lie in bits 63:38 of the low half. */
const DESCRIPTOR_LOW: u64 = 0xffffffc0;
const DESCRIPTOR_HIGH: u64 = 0xffffffff00000000;

/** Source validation: the low bits of an entry's high half. SID in bits 15:0, SQ in bits 17:16, SVT in bits 19:18. */
const VALIDATE_SOURCE: u32 = 1 << 18;
const VALIDATE_BUSES: u32 = 2 << 18;
const VALIDATION_TYPE: u32 = 3 << 18;
const VALIDATION_QUALIFIER: u32 = 3 << 16;
const VALIDATION_BITS: u32 = 0xfffff;

/** Vectors 0 to 15 cannot be delivered, SDM 3A 11.5.2. */
const FIRST_VECTOR: u32 = 16;
const LAST_VECTOR: u32 = 255;

/** Only `sourceId` itself may use the entry. */
export function sourceValidation(sourceId: u32): u32 {
  return VALIDATE_SOURCE | (sourceId & 0xffff);
}

/** Any source id on the buses `first` to `last` may use the entry: for devices behind a conventional PCI bridge. */
export function busRangeValidation(first: u32, last: u32): u32 {
  return VALIDATE_BUSES | ((first & 0xff) << 8) | (last & 0xff);
}

/** True if the validation compares a whole source id, or a range of buses that is not empty. */
export function isValidation(validation: u32): bool {
  if ((validation & ~VALIDATION_BITS) != 0 || (validation & VALIDATION_QUALIFIER) != 0) return false;
  const type = validation & VALIDATION_TYPE;
  if (type == VALIDATE_SOURCE) return true;
  return type == VALIDATE_BUSES && ((validation >> 8) & 0xff) <= (validation & 0xff);
}

export function isVector(vector: u32): bool {
  return vector >= FIRST_VECTOR && vector <= LAST_VECTOR;
}

/** True if entries can name the core `apicId`, and it alone; `extended`: x2APIC form. */
export function isDestination(apicId: u32, extended: bool): bool {
  const broadcast = extended ? X2APIC_BROADCAST : XAPIC_BROADCAST;
  return apicId < broadcast;
}

/** Low half of an entry that delivers `vector` as a fixed interrupt to one core, in physical mode. */
export function remappedLow(vector: u32, destination: u32, levelTriggered: bool): u64 {
  return ENTRY_PRESENT | (levelTriggered ? ENTRY_LEVEL : 0) | (<u64>vector << VECTOR_SHIFT) | (<u64>destination << DESTINATION_SHIFT);
}

/** Low half of an entry that posts `vector` to the descriptor at the physical address `descriptor`. */
export function postedLow(vector: u32, descriptor: u64, urgent: bool): u64 {
  const mode = ENTRY_PRESENT | ENTRY_POSTED | (urgent ? ENTRY_URGENT : 0);
  return mode | (<u64>vector << VECTOR_SHIFT) | ((descriptor & DESCRIPTOR_LOW) << DESTINATION_SHIFT);
}

export function postedHigh(descriptor: u64, validation: u32): u64 {
  return (descriptor & DESCRIPTOR_HIGH) | <u64>validation;
}
