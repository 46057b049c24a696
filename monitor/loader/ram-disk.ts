import { lowMemory } from "../configuration";
import { Image, copyImage, imageSize } from "../imports";
import { LoadStatus } from "../interface";
import { alignDown } from "./range";

const PAGE_SIZE: u64 = 4096;

/** Address of the RAM disk loaded last; 0 if the partition has none. */
let loadedAt: u64 = 0;

export function ramDiskAddress(): u64 {
  return loadedAt;
}

export function ramDiskSize(): u64 {
  return imageSize(Image.InitialRamDisk);
}

/** Places the initial RAM disk as high as low memory and `limit` (exclusive) allow, but above `imageEnd`. */
export function loadRamDisk(imageEnd: u64, limit: u64): LoadStatus {
  loadedAt = 0;
  const size = ramDiskSize();
  if (size == 0) return LoadStatus.Done;
  const top = min<u64>(lowMemory(), limit);
  if (size > top) return LoadStatus.InitialRamDiskTooLarge;
  const address = alignDown(top - size, PAGE_SIZE);
  if (address < imageEnd) return LoadStatus.InitialRamDiskTooLarge;
  if (!copyImage(address, Image.InitialRamDisk, 0, size)) return LoadStatus.InitialRamDiskTooLarge;
  loadedAt = address;
  return LoadStatus.Done;
}
