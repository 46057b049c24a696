// Where tables may lie: in memory that the walker can read and that nobody but the kernel can write.

import { TABLE_EXPOSED, failWalk } from "./walker-failure";

/** Physical memory that something is kept away from. */
@unmanaged
export class Protected {
  base: u64;
  /** First byte after it. */
  end: u64;
}
export const PROTECTED_SIZE: usize = 16;

const PAGE: u64 = 4096;
const PHYSICAL_LIMIT: u64 = 1 << 52;

let readableEnd: u64 = PHYSICAL_LIMIT;
let exposed: usize = 0;
let exposedCount: u32 = 0;

/**
 * Sets what holds for the walks that follow: tables lie below `end`, the end of the memory that the kernel can read, and
 * outside the `count` Protected records at `partitionMemory`, the memory of all partitions.
 */
export function limitTables(end: u64, partitionMemory: usize, count: u32): void {
  readableEnd = end;
  exposed = partitionMemory;
  exposedCount = count;
}

/** Checks the frames of a table of `pages` pages; `address` and `entry` say which entry leads to it. */
export function checkFrames(frame: u64, pages: u64, address: u64, entry: u64): bool {
  const length = pages * PAGE;
  if (frame >= readableEnd || length > readableEnd - frame) return failWalk("a table lies beyond the memory that can be read", address, entry);
  return !touches(frame, length, exposed, exposedCount) || failWalk(TABLE_EXPOSED, address, entry);
}

/** Whether a range has a byte in one of the `count` Protected records at `ranges`. */
export function touches(base: u64, length: u64, ranges: usize, count: u32): bool {
  for (let i: u32 = 0; i < count; i++) {
    const range = changetype<Protected>(ranges + <usize>i * PROTECTED_SIZE);
    if (base < range.end && base + length > range.base) return true;
  }
  return false;
}
