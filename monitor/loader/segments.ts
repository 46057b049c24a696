// Loadable segments of an ELF image that openElf() accepted. All are checked before any is copied.

import { Image, clear, copyImage, imageSize } from "../imports";
import { LoadStatus } from "../interface";
import {
  SegmentType, segmentAddress, segmentCount, segmentFileSize, segmentMemorySize, segmentOffset, segmentType, segmentVirtualAddress,
} from "./elf";
import { LOWEST_IMAGE_ADDRESS } from "./layout";
import { checkPlace } from "./place";
import { fits } from "./range";

/** No entry point; not a valid one, since what lies at 0 are the vectors of real mode. */
export const NO_ENTRY: u64 = 0;

let start: u64 = 0;
let end: u64 = 0;
/** What is added to the addresses that the segments were linked at. */
let displacement: u64 = 0;

/** Lowest address of a segment. */
export function segmentsStart(): u64 {
  return start;
}

/** First byte above every segment. */
export function segmentsTop(): u64 {
  return end;
}

/** First byte above every segment and above the first MiB. */
export function segmentsEnd(): u64 {
  return max<u64>(end, LOWEST_IMAGE_ADDRESS);
}

/** Lowest address that a segment was linked at. */
export function linkedStart(): u64 {
  let lowest: u64 = u64.MAX_VALUE;
  for (let i: u32 = 0; i < segmentCount(); i++) {
    if (segmentType(i) == SegmentType.Load && segmentMemorySize(i) != 0) lowest = min<u64>(lowest, segmentAddress(i));
  }
  return lowest;
}

/** Checks the segments `moved` bytes, modulo 2^64, above where they were linked. */
export function checkSegments(moved: u64): LoadStatus {
  displacement = moved;
  start = u64.MAX_VALUE;
  end = 0;
  for (let i: u32 = 0; i < segmentCount(); i++) {
    const status = segmentType(i) == SegmentType.Load ? checkSegment(i) : LoadStatus.Done;
    if (status != LoadStatus.Done) return status;
  }
  return LoadStatus.Done;
}

function checkSegment(index: u32): LoadStatus {
  const address = placeOf(index);
  const size = segmentMemorySize(index);
  if (!fits(segmentOffset(index), segmentFileSize(index), imageSize(Image.Kernel))) return LoadStatus.ImageMalformed;
  if (size < segmentFileSize(index)) return LoadStatus.ImageMalformed;
  if (size == 0) return LoadStatus.Done;
  const place = checkPlace(address, size);
  if (place != LoadStatus.Done) return place;
  if (overlapsEarlier(index)) return LoadStatus.SegmentsOverlap;
  start = min<u64>(start, address);
  end = max<u64>(end, address + size);
  return LoadStatus.Done;
}

/** Guest-physical address of a segment. */
function placeOf(index: u32): u64 {
  return segmentAddress(index) + displacement;
}

/** The earlier segments have been checked: their ends do not wrap. */
function overlapsEarlier(index: u32): bool {
  const first = placeOf(index);
  const behind = first + segmentMemorySize(index);
  for (let i: u32 = 0; i < index; i++) {
    if (segmentType(i) != SegmentType.Load) continue;
    const other = placeOf(i);
    if (first < other + segmentMemorySize(i) && other < behind) return true;
  }
  return false;
}

/**
 * Where an entry point is: as given if a segment was linked there; else, as GRUB does, the physical address of a virtual
 * one; NO_ENTRY if it is neither.
 */
export function resolveEntry(entry: u64): u64 {
  for (let i: u32 = 0; i < segmentCount(); i++) {
    if (holds(i, segmentAddress(i), entry)) return entry + displacement;
  }
  for (let i: u32 = 0; i < segmentCount(); i++) {
    if (holds(i, segmentVirtualAddress(i), entry)) return entry - segmentVirtualAddress(i) + placeOf(i);
  }
  return NO_ENTRY;
}

/** Unsigned difference: an address below `base` gives one larger than any size. */
function holds(index: u32, base: u64, address: u64): bool {
  return segmentType(index) == SegmentType.Load && address - base < segmentMemorySize(index);
}

/** False if a copy is refused, which the checks exclude. */
export function copySegments(): bool {
  for (let i: u32 = 0; i < segmentCount(); i++) {
    if (segmentType(i) == SegmentType.Load && !copySegment(i)) return false;
  }
  return true;
}

/** Copies the part that the image holds and zeroes the rest. */
function copySegment(index: u32): bool {
  const address = placeOf(index);
  const copied = segmentFileSize(index);
  const cleared = segmentMemorySize(index) - copied;
  if (copied != 0 && !copyImage(address, Image.Kernel, segmentOffset(index), copied)) return false;
  return cleared == 0 || clear(address + copied, cleared) != 0;
}
