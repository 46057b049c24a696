// Where an image may lie that need not lie where it was linked (Multiboot2 2.0 3.1.13). Of the placement that it would like best
// nothing is asked: it stays where it was linked if it may, else it gets the lowest place.

import { LOW_RESERVED_END } from "../interface";
import { alignUp } from "./range";

let isRelocatable: bool = false;
let lowest: u64 = 0;
let highest: u64 = 0;
let alignment: u64 = 1;

export function forbidRelocation(): void {
  isRelocatable = false;
}

/** False if `align` is no power of two; 0 means none. The image lies from `first` on and ends at `end` or before. */
export function allowRelocation(first: u32, end: u32, align: u32): bool {
  isRelocatable = true;
  lowest = first;
  highest = end;
  alignment = max<u64>(align, 1);
  return (align & (align - 1)) == 0;
}

export function mayBeRelocated(): bool {
  return isRelocatable;
}

/** Whether an image that cannot be moved, or may lie there, lies from `start` to `end`. */
export function mayLie(start: u64, end: u64): bool {
  return !isRelocatable || (start >= lowest && end <= highest);
}

/** The lowest address above the first MiB that the image may begin at. */
export function lowestPlace(): u64 {
  return alignUp(max<u64>(lowest, LOW_RESERVED_END), alignment);
}
