// The list of physical memory that the seal protects from a core, or from the devices of a partition.

import { PAGE_SIZE } from "./layout";

/** Physical memory that no writable mapping may cover. */
@unmanaged
class Protected {
  base: u64;
  /** First byte after it. */
  end: u64;
}
const PROTECTED_SIZE: usize = 16;

const MAXIMUM_PROTECTED: u32 = 512;
const ranges: usize = memory.data(8192, 8); // MAXIMUM_PROTECTED * PROTECTED_SIZE

let count: u32 = 0;
let overflowed: bool = false;

export function clearProtected(): void {
  count = 0;
  overflowed = false;
}

export function protectedRanges(): usize { return ranges; }
export function protectedCount(): u32 { return count; }
/** True if a range did not fit: the seal must then fail. */
export function protectedOverflowed(): bool { return overflowed; }

export function protectPages(base: u64, pages: u64): void { protect(base, base + pages * PAGE_SIZE); }

/** Protects [base, end). */
export function protect(base: u64, end: u64): void {
  if (count == MAXIMUM_PROTECTED) {
    overflowed = true;
    return;
  }
  const record = changetype<Protected>(ranges + <usize>count * PROTECTED_SIZE);
  record.base = base;
  record.end = end;
  count++;
}
