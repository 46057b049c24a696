// What a tree of tables maps, exactly: the list that the planner builds by, and that the seal compares the tables with.

/** One range; addresses and length are multiples of 4 KiB. */
@unmanaged
export class Mapping {
  /** Guest-physical or virtual address. */
  from: u64;
  /** Host-physical address. */
  to: u64;
  /** Bytes. */
  length: u64;
  /** All bits of each leaf but the address, and PS. */
  attributes: u64;
}
const MAPPING_SIZE: usize = 32;
const MAXIMUM_MAPPINGS: u32 = 256;
const mappings: usize = memory.data(8192, 8); // MAXIMUM_MAPPINGS * MAPPING_SIZE

let count: u32 = 0;
let overflowed: bool = false;

export function clearMappings(): void {
  count = 0;
  overflowed = false;
}

export function mappingAt(index: u32): Mapping { return changetype<Mapping>(mappings + <usize>index * MAPPING_SIZE); }
export function mappingCount(): u32 { return count; }
/** True if a range did not fit. */
export function mappingsOverflowed(): bool { return overflowed; }

/** Adds a range that is not empty, unless the list has one from the same address on. */
export function addMapping(from: u64, to: u64, length: u64, attributes: u64): void {
  if (length == 0) return;
  for (let i: u32 = 0; i < count; i++) {
    if (mappingAt(i).from == from) return;
  }
  if (count == MAXIMUM_MAPPINGS) {
    overflowed = true;
    return;
  }
  const mapping = mappingAt(count);
  mapping.from = from;
  mapping.to = to;
  mapping.length = length;
  mapping.attributes = attributes;
  count++;
}
