// Room for what a multiboot image is told: zeroed pieces on 8 bytes, one after the other from INFORMATION on.

import { Image, clear, copyImage, imageSize, store64 } from "../imports";
import { INFORMATION, INFORMATION_END } from "./layout";
import { alignUp } from "./range";

/** There is no room left. */
export const NO_ROOM: u64 = 0;
const LOADER_NAME: u64 = 0x646165686b6c7542; // "Bulkhead"
export const LOADER_NAME_SIZE: u64 = 9;

let next: u64 = 0;

export function beginInformation(): bool {
  next = INFORMATION;
  return clear(INFORMATION, INFORMATION_END - INFORMATION) != 0;
}

/** Bytes taken so far. */
export function informationSize(): u64 {
  return next - INFORMATION;
}

/** Address of `length` zero bytes, or NO_ROOM. */
export function take(length: u64): u64 {
  if (length > INFORMATION_END - next) return NO_ROOM;
  const address = next;
  next = min<u64>(alignUp(next + length, 8), INFORMATION_END);
  return address;
}

/** Copies text of an image into a piece that was taken, which keeps a zero behind it. */
export function putText(address: u64, image: u32, offset: u64, length: u64): bool {
  return length == 0 || copyImage(address, image, offset, length) != 0;
}

export function commandLineLength(): u64 {
  return imageSize(Image.CommandLine);
}

/** Into a piece of LOADER_NAME_SIZE. */
export function putLoaderName(address: u64): void {
  store64(address, LOADER_NAME);
}
