// State of the two 8259A and which request each signals (Intel 8259A data sheet).

export const CASCADE: u32 = 2;
export const NONE: u32 = 8;

// @ts-ignore: decorator
@unmanaged export class Chip {
  lines: u32;
  requests: u32; // IRR
  inService: u32; // ISR
  mask: u32; // IMR
  levels: u32; // ELCR
  vectorBase: u32;
  /** The request with the highest priority; 0 unless rotated. */
  first: u32;
  /** Expect of commands.ts; 0 once initialization is complete. */
  expect: u32;
  needsIcw4: u32;
  isSingle: u32;
  isAutoEoi: u32;
  rotatesOnAutoEoi: u32;
  isSpecialMask: u32;
  isSpecialFullyNested: u32;
  readsInService: u32;
  isPolled: u32;
}

export const MASTER = changetype<Chip>(memory.data(64, 8));
export const SLAVE = changetype<Chip>(memory.data(64, 8));

/** Steps from the first in priority to the first bit set, NONE if there is none. */
export function priorityOf(bits: u32, first: u32): u32 {
  if (bits == 0) return NONE;
  return ctz(((bits >> first) | (bits << (8 - first))) & 0xff);
}

/** What is in service and counts: in special mask mode the mask takes levels out. */
export function effectiveService(chip: Chip): u32 {
  return chip.isSpecialMask != 0 ? chip.inService & ~chip.mask : chip.inService;
}

/** In special fully nested mode a slave in service does not block its own level, on which it may have a higher request. */
function isBlocked(chip: Chip, request: u32, priority: u32): bool {
  const blocking = priorityOf(effectiveService(chip), chip.first);
  if (priority != blocking) return priority > blocking;
  return chip != MASTER || chip.isSpecialFullyNested == 0 || request != CASCADE;
}

/** Request that the chip signals, or NONE. Nothing is signalled before the last initialization word. */
export function signalled(chip: Chip): u32 {
  const priority = priorityOf(chip.requests & ~chip.mask, chip.first);
  if (priority == NONE || chip.expect != 0) return NONE;
  const request = (priority + chip.first) & 7;
  return isBlocked(chip, request, priority) ? NONE : request;
}

/** Acknowledges a request: it moves into service, unless AEOI ends it at once. */
export function service(chip: Chip, request: u32): void {
  const bit: u32 = 1 << request;
  if ((chip.levels & bit) == 0) chip.requests &= ~bit;
  if (chip.isAutoEoi == 0) chip.inService |= bit;
  else if (chip.rotatesOnAutoEoi != 0) chip.first = (request + 1) & 7;
}
