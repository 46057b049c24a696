// How a source id is written: bus:device.function, with the segment before it where it is not 0.

import { print, printDecimal, printHexDigits } from "../console/print";

export function printSource(segment: u32, sourceId: u32): void {
  if (segment != 0) {
    printHexDigits(segment, 4);
    print(":");
  }
  printHexDigits(sourceId >> 8, 2);
  print(":");
  printHexDigits((sourceId >> 3) & 0x1f, 2);
  print(".");
  printDecimal(sourceId & 7);
}

/** Writes vendor:device. */
export function printIdentity(identity: u32): void {
  printHexDigits(identity & 0xffff, 4);
  print(":");
  printHexDigits(identity >> 16, 4);
}
