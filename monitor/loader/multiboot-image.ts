// What both multiboot loaders share: an image by its ELF headers or by addresses in its multiboot header.

import { LoadStatus } from "../interface";
import { addressedEnd, addressedEntry, addressedStart, loadAddressed } from "./address-fields";
import { elfEntry, openElf } from "./elf";
import { lowestPlace, mayBeRelocated, mayLie } from "./relocation";
import { NO_ENTRY, checkSegments, copySegments, linkedStart, resolveEntry, segmentsEnd, segmentsStart, segmentsTop } from "./segments";

let entry: u64 = 0;
let start: u64 = 0;
let end: u64 = 0;

/** Physical address of the entry point of the image loaded last. */
export function imageEntry(): u64 {
  return entry;
}

/** Lowest address of the image loaded last. */
export function imageStart(): u64 {
  return start;
}

/** First byte above the image loaded last and above the first MiB. */
export function imageEnd(): u64 {
  return end;
}

/** By its ELF headers; `wanted` is the entry point, or NO_ENTRY for the one of the ELF header. */
export function loadElfImage(wanted: u64): LoadStatus {
  const elf = openElf();
  if (elf != LoadStatus.Done) return elf;
  const segments = placeSegments();
  if (segments != LoadStatus.Done) return segments;
  entry = resolveEntry(wanted == NO_ENTRY ? elfEntry() : wanted);
  if (entry == NO_ENTRY) return LoadStatus.EntryOutside;
  start = segmentsStart();
  end = segmentsEnd();
  return copySegments() ? LoadStatus.Done : LoadStatus.ImageTooLarge;
}

/** Where they were linked if they may lie there, else at the lowest place that is allowed. */
function placeSegments(): LoadStatus {
  const linked = checkSegments(0);
  if (!mayBeRelocated() || (linked == LoadStatus.Done && mayLie(segmentsStart(), segmentsTop()))) return linked;
  const moved = checkSegments(lowestPlace() - linkedStart());
  if (moved != LoadStatus.Done) return moved;
  return mayLie(segmentsStart(), segmentsTop()) ? LoadStatus.Done : LoadStatus.ImageTooLarge;
}

/** By the four address fields at `fields` of the file; its multiboot header lies at `header`. */
export function loadAddressedImage(header: u64, fields: u64, wanted: u64): LoadStatus {
  const status = loadAddressed(header, fields, wanted);
  if (status != LoadStatus.Done) return status;
  entry = addressedEntry();
  start = addressedStart();
  end = addressedEnd();
  return LoadStatus.Done;
}
