// The set of free physical memory: disjoint ranges in a fixed table.

const CAPACITY: u32 = 128;

@unmanaged
class Range {
  base: u64;
  /** First byte after the range; a range with end <= base is empty. */
  end: u64;
}

const table: usize = memory.data(2048);
let count: u32 = 0;
let overflowed: bool = false;

function rangeAt(index: u32): Range { return changetype<Range>(table + (<usize>index << 4)); }

export function clearRanges(): void {
  count = 0;
  overflowed = false;
}

/** True if a range was lost because the table was full; the set is then smaller than it could be, never larger. */
export function rangesOverflowed(): bool { return overflowed; }

/** Index of a record that holds no range, CAPACITY if there is none. */
function findUnused(): u32 {
  for (let i: u32 = 0; i < count; i++) {
    if (rangeAt(i).end <= rangeAt(i).base) return i;
  }
  return count;
}

function append(base: u64, end: u64): void {
  if (base >= end) return;
  const index = findUnused();
  if (index == CAPACITY) {
    overflowed = true;
    return;
  }
  const range = rangeAt(index);
  range.base = base;
  range.end = end;
  if (index == count) count++;
}

/** Adds [base, end); what is in the set already is not added twice. */
export function addRange(base: u64, end: u64): void {
  subtractRange(base, end);
  append(base, end);
}

/** Takes [base, end) out of the set. */
export function subtractRange(base: u64, end: u64): void {
  if (base >= end) return;
  const existing = count;
  for (let i: u32 = 0; i < existing; i++) {
    const range = rangeAt(i);
    if (range.end <= base || range.base >= end) continue;
    const tail = range.end;
    if (range.base < base) {
      range.end = base;
      append(end, tail);
    } else {
      range.base = min(end, tail);
    }
  }
}

/** Base of the lowest `length` bytes with this alignment (a power of two), 0 if there are none. */
export function findLowest(length: u64, alignment: u64): u64 {
  let lowest: u64 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const range = rangeAt(i);
    const base = (range.base + alignment - 1) & ~(alignment - 1);
    if (base < range.base || base >= range.end || range.end - base < length) continue;
    if (lowest == 0 || base < lowest) lowest = base;
  }
  return lowest;
}

/** Takes what findLowest() finds out of the set. */
export function takeLowest(length: u64, alignment: u64): u64 {
  const lowest = findLowest(length, alignment);
  if (lowest != 0) subtractRange(lowest, lowest + length);
  return lowest;
}

/** Bytes in the set. */
export function rangesSize(): u64 {
  let size: u64 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const range = rangeAt(i);
    if (range.end > range.base) size += range.end - range.base;
  }
  return size;
}
