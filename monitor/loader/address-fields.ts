// An image that says in its multiboot header where it lies, instead of in ELF headers (Multiboot 0.6.96 3.1.3,
// Multiboot2 3.1.5: the same four fields).

import { Image, clear, copyImage, imageLoad32, imageSize } from "../imports";
import { LoadStatus } from "../interface";
import { LOWEST_IMAGE_ADDRESS } from "./layout";
import { checkPlace } from "./place";
import { fits } from "./range";
import { lowestPlace, mayBeRelocated, mayLie } from "./relocation";

const enum Field { Header = 0, Load = 4, LoadEnd = 8, BssEnd = 12 } // u32 each

let start: u64 = 0;
let copied: u64 = 0;
let size: u64 = 0;
let entryPoint: u64 = 0;

/** First byte above the image and above the first MiB. */
export function addressedEnd(): u64 {
  return max<u64>(start + size, LOWEST_IMAGE_ADDRESS);
}

export function addressedStart(): u64 {
  return start;
}

/** The entry point where the image lies now. */
export function addressedEntry(): u64 {
  return entryPoint;
}

/** Loads the image whose header lies at `header` of the file and whose fields lie at `fields`. */
export function loadAddressed(header: u64, fields: u64, entry: u64): LoadStatus {
  const offset = fileOffset(header, fields);
  if (offset >= imageSize(Image.Kernel)) return LoadStatus.ImageMalformed;
  const extent = readExtent(fields, imageSize(Image.Kernel) - offset);
  if (extent != LoadStatus.Done) return extent;
  if (entry - start >= size) return LoadStatus.EntryOutside;
  const linked = start;
  const place = findPlace();
  if (place != LoadStatus.Done) return place;
  entryPoint = entry - linked + start;
  if (!copyImage(start, Image.Kernel, offset, copied)) return LoadStatus.ImageTooLarge;
  return size == copied || clear(start + copied, size - copied) ? LoadStatus.Done : LoadStatus.ImageTooLarge;
}

/** Moves `start` if the image cannot lie where it was linked and may lie elsewhere. */
function findPlace(): LoadStatus {
  const linked = checkPlace(start, size);
  if (!mayBeRelocated() || (linked == LoadStatus.Done && mayLie(start, start + size))) return linked;
  start = lowestPlace();
  const moved = checkPlace(start, size);
  if (moved != LoadStatus.Done) return moved;
  return mayLie(start, start + size) ? LoadStatus.Done : LoadStatus.ImageTooLarge;
}

/** Where in the file the text begins; beyond its end if the fields contradict each other. */
function fileOffset(header: u64, fields: u64): u64 {
  const distance = <u64>field(fields, Field.Header) - <u64>field(fields, Field.Load);
  return fits(distance, 0, header) ? header - distance : u64.MAX_VALUE;
}

/** An end of 0 means: load to the end of the file; no zeroes behind it. */
function readExtent(fields: u64, available: u64): LoadStatus {
  start = field(fields, Field.Load);
  const loadEnd = field(fields, Field.LoadEnd);
  const bssEnd = field(fields, Field.BssEnd);
  copied = loadEnd == 0 ? available : loadEnd - start;
  size = bssEnd == 0 ? copied : bssEnd - start;
  if (copied == 0 || copied > available || size < copied || size > u32.MAX_VALUE) return LoadStatus.ImageMalformed;
  return LoadStatus.Done;
}

function field(fields: u64, offset: u64): u64 {
  return imageLoad32(Image.Kernel, fields + offset);
}
