// Guest accesses to memory BARs that no page is mapped for: the virtual disk's, and those with an MSI-X table.

import { isDiskAddress, readDisk, writeDisk } from "../virtio/function";
import { readMessagePage, writeMessagePage } from "./message-pages";

/** Reads 1, 2, 4 or 8 bytes; all ones and AccessStatus.OpenBus where no function answers. */
export function readPciMemory(gpa: u64, size: u32): u64 {
  return isDiskAddress(gpa) ? readDisk(gpa, size) : readMessagePage(gpa, size);
}

export function writePciMemory(gpa: u64, size: u32, value: u64): void {
  if (isDiskAddress(gpa)) writeDisk(gpa, size, value);
  else writeMessagePage(gpa, size, value);
}
