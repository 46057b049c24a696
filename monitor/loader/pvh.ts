// An ELF image by the PVH boot protocol (Xen, docs/misc/pvh.pandoc).

import { lowMemory } from "../configuration";
import { Image, clear, copyImage, imageSize } from "../imports";
import { LoadStatus } from "../interface";
import { loadCommandLine } from "./command-line";
import { SegmentType, openElf, segmentAddress, segmentCount, segmentFileSize, segmentMemorySize, segmentOffset, segmentType } from "./elf";
import { enterFlat32 } from "./entry-state";
import { BOOT_STACK_TOP, COMMAND_LINE_CAPACITY, LOWEST_IMAGE_ADDRESS, START_INFO } from "./layout";
import { loadRamDisk } from "./ram-disk";
import { fits } from "./range";
import { writeStartInfo } from "./start-info";
import { NO_ENTRY, findEntry } from "./xen-note";

/** Longest note segment that is searched, in bytes; bounds the work that a hostile image can cause. */
const MAXIMUM_NOTES: u64 = 0x10000;

let entry: u64 = NO_ENTRY;
/** First byte above every segment. */
let imageEnd: u64 = 0;

export function loadPvh(): LoadStatus {
  const elf = openElf();
  if (elf != LoadStatus.Done) return elf;
  const segments = checkSegments();
  if (segments != LoadStatus.Done) return segments;
  if (entry < LOWEST_IMAGE_ADDRESS || entry >= imageEnd) return LoadStatus.ImageMalformed;
  if (!copySegments()) return LoadStatus.ImageTooLarge;
  const commandLine = loadCommandLine(COMMAND_LINE_CAPACITY);
  if (commandLine != LoadStatus.Done) return commandLine;
  const ramDisk = loadRamDisk(imageEnd, lowMemory());
  if (ramDisk != LoadStatus.Done) return ramDisk;
  if (!writeStartInfo()) return LoadStatus.ImageTooLarge;
  enterFlat32(entry, BOOT_STACK_TOP, START_INFO);
  return LoadStatus.Done;
}

/** Checks every segment before any is copied; finds `entry` and `imageEnd`. */
function checkSegments(): LoadStatus {
  entry = NO_ENTRY;
  imageEnd = 0;
  for (let i: u32 = 0; i < segmentCount(); i++) {
    const status = checkSegment(i);
    if (status != LoadStatus.Done) return status;
  }
  return entry == NO_ENTRY ? LoadStatus.ImageUnsupported : LoadStatus.Done;
}

function checkSegment(index: u32): LoadStatus {
  const type = segmentType(index);
  if (type != SegmentType.Load && type != SegmentType.Note) return LoadStatus.Done;
  if (!fits(segmentOffset(index), segmentFileSize(index), imageSize(Image.Kernel))) return LoadStatus.ImageMalformed;
  return type == SegmentType.Load ? checkLoad(index) : checkNotes(index);
}

function checkLoad(index: u32): LoadStatus {
  const address = segmentAddress(index);
  const size = segmentMemorySize(index);
  if (size < segmentFileSize(index)) return LoadStatus.ImageMalformed;
  if (size == 0) return LoadStatus.Done;
  if (address < LOWEST_IMAGE_ADDRESS) return LoadStatus.ImageTooLow;
  if (!fits(address, size, lowMemory())) return LoadStatus.ImageTooLarge;
  imageEnd = max<u64>(imageEnd, address + size);
  return LoadStatus.Done;
}

function checkNotes(index: u32): LoadStatus {
  const size = segmentFileSize(index);
  if (size > MAXIMUM_NOTES) return LoadStatus.ImageMalformed;
  const found = findEntry(segmentOffset(index), size);
  if (found != NO_ENTRY) entry = found;
  return LoadStatus.Done;
}

function copySegments(): bool {
  for (let i: u32 = 0; i < segmentCount(); i++) {
    if (segmentType(i) == SegmentType.Load && !copySegment(i)) return false;
  }
  return true;
}

/** Copies the part that the image holds and zeroes the rest. */
function copySegment(index: u32): bool {
  const address = segmentAddress(index);
  const copied = segmentFileSize(index);
  const cleared = segmentMemorySize(index) - copied;
  if (copied != 0 && !copyImage(address, Image.Kernel, segmentOffset(index), copied)) return false;
  return cleared == 0 || clear(address + copied, cleared) != 0;
}
