// An ELF image by the PVH boot protocol (Xen, docs/misc/pvh.pandoc).

import { lowMemory } from "../configuration";
import { Image, imageSize } from "../imports";
import { LoadStatus } from "../interface";
import { loadCommandLine } from "./command-line";
import { SegmentType, openElf, segmentCount, segmentFileSize, segmentOffset, segmentType } from "./elf";
import { enterFlat32 } from "./entry-state";
import { COMMAND_LINE_CAPACITY, START_INFO } from "./layout";
import { loadRamDisk } from "./ram-disk";
import { fits } from "./range";
import { NO_ENTRY, checkSegments, copySegments, resolveEntry, segmentsEnd } from "./segments";
import { writeStartInfo } from "./start-info";
import { findEntry } from "./xen-note";

/** Longest note segment that is searched, in bytes; bounds the work that a hostile image can cause. */
const MAXIMUM_NOTES: u64 = 0x10000;

let entry: u64 = NO_ENTRY;

export function loadPvh(): LoadStatus {
  const elf = openElf();
  if (elf != LoadStatus.Done) return elf;
  const segments = checkSegments(0);
  if (segments != LoadStatus.Done) return segments;
  const notes = searchNotes();
  if (notes != LoadStatus.Done) return notes;
  // The note's address is physical: one that only a virtual address resolves is none.
  if (resolveEntry(entry) != entry) return LoadStatus.EntryOutside;
  if (!copySegments()) return LoadStatus.ImageTooLarge;
  const commandLine = loadCommandLine(COMMAND_LINE_CAPACITY);
  if (commandLine != LoadStatus.Done) return commandLine;
  const ramDisk = loadRamDisk(segmentsEnd(), lowMemory());
  if (ramDisk != LoadStatus.Done) return ramDisk;
  if (!writeStartInfo()) return LoadStatus.ImageTooLarge;
  enterFlat32(entry, 0, START_INFO);
  return LoadStatus.Done;
}

/** Finds `entry`. */
function searchNotes(): LoadStatus {
  entry = NO_ENTRY;
  for (let i: u32 = 0; i < segmentCount(); i++) {
    const status = segmentType(i) == SegmentType.Note ? searchNote(i) : LoadStatus.Done;
    if (status != LoadStatus.Done) return status;
  }
  return entry == NO_ENTRY ? LoadStatus.ImageUnsupported : LoadStatus.Done;
}

function searchNote(index: u32): LoadStatus {
  const size = segmentFileSize(index);
  if (!fits(segmentOffset(index), size, imageSize(Image.Kernel)) || size > MAXIMUM_NOTES) return LoadStatus.ImageMalformed;
  const found = findEntry(segmentOffset(index), size);
  if (found != NO_ENTRY) entry = found;
  return LoadStatus.Done;
}
