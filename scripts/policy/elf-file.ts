// Headers of an ELF file for x86, 32-bit or 64-bit (System V gABI, "Object Files" and "Program Loading").

import { UserError } from "../error.ts";
import type { Part } from "./placement.ts";

const MAGIC = 0x7f454c46;
const LOAD = 1;
const NOTE = 4;
const EXECUTABLE = 2;
const LITTLE_ENDIAN = 1;
/** As the loader takes. */
const MAXIMUM_PROGRAM_HEADERS = 256;
const CLASSES: Record<number, 32 | 64> = { 1: 32, 2: 64 };
const MACHINES = { 32: 3, 64: 62 } as const;

/** What a loader reads of an ELF file. */
export interface ElfFile {
  /** As the header gives it. */
  entry: number;
  /** The loadable segments that have a size, by physical address. */
  segments: Segment[];
  /** Contents of the note segments, as far as they lie in the file. */
  notes: Buffer[];
}

export interface Segment extends Part {
  virtualAddress: number;
}

interface Layout {
  table: number;
  entrySize: number;
  count: number;
  address: (at: number) => number;
  /** Offsets in a program header. */
  physical: number;
  virtual: number;
  memorySize: number;
  fileSize: number;
  offset: number;
  programHeaderSize: number;
}

/** 32 or 64 for an ELF file for x86, null for any other file. */
function elfBits(bytes: Buffer): 32 | 64 | null {
  if (bytes.length < 64 || bytes.readUInt32BE(0) !== MAGIC) return null;
  const bits = CLASSES[bytes[4]!];
  return bits !== undefined && bytes.readUInt16LE(18) === MACHINES[bits] ? bits : null;
}

/** Reads an ELF file; throws a UserError where it is none for x86, or cut. */
export function readElf(bytes: Buffer, file: string): ElfFile {
  const bits = elfBits(bytes);
  if (bits === null || bytes[5] !== LITTLE_ENDIAN) throw new UserError(`${file} is no ELF file for x86`, "Name an ELF32 or ELF64 executable.");
  if (bytes.readUInt16LE(16) !== EXECUTABLE) {
    throw new UserError(`${file} is an ELF file of type ${bytes.readUInt16LE(16)}, which is no executable`, "Link it at fixed addresses, without -pie and -r.");
  }
  const layout = bits === 64 ? layout64(bytes) : layout32(bytes);
  const entrySize = bytes.readUInt16LE(layout.entrySize);
  const count = bytes.readUInt16LE(layout.count);
  const table = layout.address(layout.table);
  if (entrySize < layout.programHeaderSize || count === 0 || count > MAXIMUM_PROGRAM_HEADERS || table + count * entrySize > bytes.length) {
    throw new UserError(`${file}: the ELF program headers are not 1 to ${MAXIMUM_PROGRAM_HEADERS} in the file`, "Build or fetch the file again.");
  }
  const headers = Array.from({ length: count }, (_, index) => table + index * entrySize);
  const segments = headers
    .map((header, index) => ({ header, name: `segment ${index}` }))
    .filter(({ header }) => bytes.readUInt32LE(header) === LOAD)
    .map(({ header, name }) => readSegment(header, name, layout, bytes.length, file))
    .filter(({ size }) => size > 0);
  const notes = headers.filter((header) => bytes.readUInt32LE(header) === NOTE).map((header) => readContent(bytes, header, layout));
  return { entry: layout.address(0x18), segments, notes };
}

function readContent(bytes: Buffer, header: number, layout: Layout): Buffer {
  const start = layout.address(header + layout.offset);
  return bytes.subarray(start, start + layout.address(header + layout.fileSize));
}

function readSegment(header: number, name: string, layout: Layout, length: number, file: string): Segment {
  const field = (offset: number): number => layout.address(header + offset);
  const size = field(layout.memorySize);
  if (field(layout.offset) + field(layout.fileSize) > length || field(layout.fileSize) > size) {
    throw new UserError(`${file}: ${name} is longer than the file, or than its place in memory`, "Build or fetch the file again.");
  }
  return { name, size, start: field(layout.physical), virtualAddress: field(layout.virtual) };
}

/** The physical address of the entry point as monitor/loader/segments.ts finds it, or null. */
export function resolveEntry(entry: number, segments: Segment[]): number | null {
  if (segments.some(({ start, size }) => entry >= start && entry < start + size)) return entry;
  const segment = segments.find(({ virtualAddress, size }) => entry >= virtualAddress && entry < virtualAddress + size);
  return segment === undefined ? null : entry - segment.virtualAddress + segment.start;
}

function layout64(bytes: Buffer): Layout {
  return {
    table: 0x20, entrySize: 0x36, count: 0x38, offset: 8, virtual: 16, physical: 24, fileSize: 32, memorySize: 40, programHeaderSize: 56,
    address: (at) => Number(bytes.readBigUInt64LE(at)),
  };
}

function layout32(bytes: Buffer): Layout {
  return {
    table: 0x1c, entrySize: 0x2a, count: 0x2c, offset: 4, virtual: 8, physical: 12, fileSize: 16, memorySize: 20, programHeaderSize: 32,
    address: (at) => bytes.readUInt32LE(at),
  };
}
