// Headers of an ELF image, 32-bit or 64-bit (System V gABI, "Object Files" and "Program Loading").

import { Image, imageLoad16, imageLoad32, imageLoad64, imageLoad8, imageSize } from "../imports";
import { LoadStatus } from "../interface";
import { fits } from "./range";

const ELF_MAGIC: u32 = 0x464C457F;
/** More than any kernel has; bounds the work that a hostile image can cause. */
const MAXIMUM_PROGRAM_HEADERS: u32 = 256;

const enum Identification { Class = 4, Data = 5 } // u8 each
const enum Class { Elf32 = 1, Elf64 = 2 }
const LITTLE_ENDIAN: u8 = 1;

const enum Header { Type = 0x10, Machine = 0x12 } // u16 each
const EXECUTABLE: u16 = 2;
const enum Machine { I386 = 3, X86_64 = 62 }

const enum Header32 { Entry = 0x18, ProgramHeaders = 0x1c, EntrySize = 0x2a, EntryCount = 0x2c, Size = 0x34 }
const enum Header64 { Entry = 0x18, ProgramHeaders = 0x20, EntrySize = 0x36, EntryCount = 0x38, Size = 0x40 }
const enum ProgramHeader32 { Type = 0, Offset = 4, VirtualAddress = 8, PhysicalAddress = 12, FileSize = 16, MemorySize = 20, Size = 32 }
const enum ProgramHeader64 { Type = 0, Offset = 8, VirtualAddress = 16, PhysicalAddress = 24, FileSize = 32, MemorySize = 40, Size = 56 }

export const enum SegmentType { Load = 1, Note = 4 }

let is64: bool = false;
let tableOffset: u64 = 0;
let entrySize: u32 = 0;
let entryCount: u32 = 0;

/** Checks the ELF header and that the program headers lie in the image; selects the image for the functions below. */
export function openElf(): LoadStatus {
  const size = imageSize(Image.Kernel);
  if (size < <u64>Header64.Size || imageLoad32(Image.Kernel, 0) != ELF_MAGIC) return LoadStatus.ImageMalformed;
  const elfClass = imageLoad8(Image.Kernel, Identification.Class);
  if (elfClass != Class.Elf32 && elfClass != Class.Elf64) return LoadStatus.ImageMalformed;
  is64 = elfClass == Class.Elf64;
  const machine: u32 = is64 ? Machine.X86_64 : Machine.I386;
  if (imageLoad8(Image.Kernel, Identification.Data) != LITTLE_ENDIAN) return LoadStatus.ImageUnsupported;
  if (imageLoad16(Image.Kernel, Header.Machine) != machine) return LoadStatus.ImageUnsupported;
  if (imageLoad16(Image.Kernel, Header.Type) != EXECUTABLE) return LoadStatus.ImageUnsupported;
  return openProgramHeaders(size);
}

function openProgramHeaders(size: u64): LoadStatus {
  tableOffset = is64 ? imageLoad64(Image.Kernel, Header64.ProgramHeaders) : imageLoad32(Image.Kernel, Header32.ProgramHeaders);
  entrySize = imageLoad16(Image.Kernel, is64 ? Header64.EntrySize : Header32.EntrySize);
  entryCount = imageLoad16(Image.Kernel, is64 ? Header64.EntryCount : Header32.EntryCount);
  const smallest: u32 = is64 ? ProgramHeader64.Size : ProgramHeader32.Size;
  if (entrySize < smallest || entryCount == 0 || entryCount > MAXIMUM_PROGRAM_HEADERS) return LoadStatus.ImageMalformed;
  return fits(tableOffset, <u64>entrySize * entryCount, size) ? LoadStatus.Done : LoadStatus.ImageMalformed;
}

export function elfIs64(): bool {
  return is64;
}

/** The entry point as the header gives it. */
export function elfEntry(): u64 {
  return is64 ? imageLoad64(Image.Kernel, Header64.Entry) : imageLoad32(Image.Kernel, Header32.Entry);
}

export function segmentCount(): u32 {
  return entryCount;
}

export function segmentType(index: u32): u32 {
  return imageLoad32(Image.Kernel, programHeader(index)); // first in both classes
}

export function segmentOffset(index: u32): u64 {
  return field(index, ProgramHeader32.Offset, ProgramHeader64.Offset);
}

export function segmentAddress(index: u32): u64 {
  return field(index, ProgramHeader32.PhysicalAddress, ProgramHeader64.PhysicalAddress);
}

export function segmentVirtualAddress(index: u32): u64 {
  return field(index, ProgramHeader32.VirtualAddress, ProgramHeader64.VirtualAddress);
}

export function segmentFileSize(index: u32): u64 {
  return field(index, ProgramHeader32.FileSize, ProgramHeader64.FileSize);
}

export function segmentMemorySize(index: u32): u64 {
  return field(index, ProgramHeader32.MemorySize, ProgramHeader64.MemorySize);
}

function programHeader(index: u32): u64 {
  return tableOffset + <u64>index * entrySize;
}

function field(index: u32, offset32: u64, offset64: u64): u64 {
  return is64 ? imageLoad64(Image.Kernel, programHeader(index) + offset64) : imageLoad32(Image.Kernel, programHeader(index) + offset32);
}
