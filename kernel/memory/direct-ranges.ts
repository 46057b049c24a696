// The list of ranges that a core's direct map is about to get; one core's tables are built at a time.

import { PAGE_SIZE } from "./layout";
import { DIRECT_RANGE_SIZE, DirectRange } from "./paging";

const MAXIMUM_RANGES: u32 = 256;
const ranges: usize = memory.data(6144, 8); // MAXIMUM_RANGES * DIRECT_RANGE_SIZE

let count: u32 = 0;
let overflowed: bool = false;

export function clearDirectRanges(): void {
  count = 0;
  overflowed = false;
}

export function directRanges(): usize { return ranges; }
export function directRangeCount(): u32 { return count; }
/** True if a range did not fit. */
export function directRangesOverflowed(): bool { return overflowed; }

/** Adds all pages that hold a byte of [base, base + length), unless the list has the first of them already; see Mapping. */
export function addDirectRange(base: u64, length: u64, mapping: u32): void {
  const first = base & ~(PAGE_SIZE - 1);
  for (let i: u32 = 0; i < count; i++) {
    if (rangeAt(i).base == first) return;
  }
  if (count == MAXIMUM_RANGES) {
    overflowed = true;
    return;
  }
  const range = rangeAt(count);
  range.base = first;
  range.length = ((base + length + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1)) - first;
  range.mapping = mapping;
  count++;
}

function rangeAt(index: u32): DirectRange { return changetype<DirectRange>(ranges + <usize>index * DIRECT_RANGE_SIZE); }
