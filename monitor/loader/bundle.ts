// The modules of a multiboot image, which come as one bundle in place of the initial RAM disk.

import { lowMemory } from "../configuration";
import { Image, copyImage, imageLoad32, imageLoad64, imageSize } from "../imports";
import { LoadStatus } from "../interface";
import { BUNDLE_MAGIC, Bundle, BundleRecord, MAXIMUM_MODULES } from "./containers";
import { alignDown, alignUp, fits } from "./range";

const PAGE_SIZE: u64 = 4096;

let count: u32 = 0;
/** Guest-physical address of the first module; each begins on a page, in their order. */
let base: u64 = 0;

export function moduleCount(): u32 {
  return count;
}

export function moduleLength(index: u32): u64 {
  return field(index, BundleRecord.Length);
}

/** Offset in the bundle of the module's command line. */
export function moduleText(index: u32): u64 {
  return field(index, BundleRecord.TextOffset);
}

export function moduleTextLength(index: u32): u64 {
  return field(index, BundleRecord.TextLength);
}

/** Guest-physical address of a module that loadModules() placed. */
export function moduleAddress(index: u32): u64 {
  let address = base;
  for (let i: u32 = 0; i < index; i++) address += alignUp(moduleLength(i), PAGE_SIZE);
  return address;
}

/** Copies every module to the top of low memory, above `floor`. */
export function loadModules(floor: u64): LoadStatus {
  const bundle = openBundle();
  if (bundle != LoadStatus.Done) return bundle;
  const top = alignDown(lowMemory(), PAGE_SIZE);
  let total: u64 = 0;
  for (let i: u32 = 0; i < count; i++) total += alignUp(moduleLength(i), PAGE_SIZE);
  if (floor > top || total > top - floor) return LoadStatus.InitialRamDiskTooLarge;
  base = top - total;
  for (let i: u32 = 0; i < count; i++) {
    const length = moduleLength(i);
    if (length != 0 && !copyImage(moduleAddress(i), Image.InitialRamDisk, field(i, BundleRecord.Offset), length)) {
      return LoadStatus.InitialRamDiskTooLarge;
    }
  }
  return LoadStatus.Done;
}

/** No bundle: no modules. */
function openBundle(): LoadStatus {
  count = 0;
  const size = imageSize(Image.InitialRamDisk);
  if (size == 0) return LoadStatus.Done;
  if (size < <u64>Bundle.Records || imageLoad32(Image.InitialRamDisk, Bundle.Magic) != BUNDLE_MAGIC) return LoadStatus.ModulesMalformed;
  const records = imageLoad32(Image.InitialRamDisk, Bundle.Count);
  if (records > MAXIMUM_MODULES || !fits(Bundle.Records, <u64>records * BundleRecord.Size, size)) return LoadStatus.ModulesMalformed;
  for (let i: u32 = 0; i < records; i++) {
    if (!fits(field(i, BundleRecord.Offset), moduleLength(i), size)) return LoadStatus.ModulesMalformed;
    if (!fits(moduleText(i), moduleTextLength(i), size)) return LoadStatus.ModulesMalformed;
  }
  count = records;
  return LoadStatus.Done;
}

function field(index: u32, offset: u64): u64 {
  return imageLoad64(Image.InitialRamDisk, <u64>Bundle.Records + <u64>index * BundleRecord.Size + offset);
}
