// Loadable segments of a 64-bit ELF file (System V gABI, chapters 4 and 5).

import { readFileSync } from "node:fs";
import { UserError } from "../error.ts";

const PT_LOAD = 1;

export interface Segment {
  physicalAddress: number;
  /** Bytes in the file; the rest up to memorySize is zero. */
  content: Buffer;
  memorySize: number;
}

export interface ElfFile {
  entry: number;
  segments: Segment[];
}

export function readElf(path: string): ElfFile {
  const file = readFileSync(path);
  if (file.length < 64 || file.readUInt32BE(0) !== 0x7f454c46 || file[4] !== 2) {
    throw new UserError(`${path} is not a 64-bit ELF file`, "Build the kernel with `npm run build`.");
  }
  const tableOffset = Number(file.readBigUInt64LE(0x20));
  const entrySize = file.readUInt16LE(0x36);
  const count = file.readUInt16LE(0x38);
  const segments: Segment[] = [];
  for (let index = 0; index < count; index++) {
    const header = file.subarray(tableOffset + index * entrySize, tableOffset + (index + 1) * entrySize);
    if (header.readUInt32LE(0) !== PT_LOAD) continue;
    const offset = Number(header.readBigUInt64LE(0x08));
    const fileSize = Number(header.readBigUInt64LE(0x20));
    segments.push({
      physicalAddress: Number(header.readBigUInt64LE(0x18)),
      content: file.subarray(offset, offset + fileSize),
      memorySize: Number(header.readBigUInt64LE(0x28)),
    });
  }
  return { entry: Number(file.readBigUInt64LE(0x18)), segments };
}
