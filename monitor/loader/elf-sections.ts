// Sections of an ELF image that no segment loads, such as symbols: an image that asks for them (Multiboot2 3.6.7) gets
// them behind itself.

import { lowMemory } from "../configuration";
import { Image, copyImage, imageLoad16, imageLoad32, imageLoad64, imageSize, store32, store64 } from "../imports";
import { LoadStatus } from "../interface";
import { elfIs64 } from "./elf";
import { alignUp, fits } from "./range";

/** More than any kernel has; bounds the work that a hostile image can cause. */
const MAXIMUM_SECTIONS: u32 = 256;
const PLACE_ALIGNMENT: u64 = 64;

const enum Header32 { Sections = 0x20, EntrySize = 0x2e, EntryCount = 0x30, NameIndex = 0x32 }
const enum Header64 { Sections = 0x28, EntrySize = 0x3a, EntryCount = 0x3c, NameIndex = 0x3e }
const enum Section32 { Type = 4, Address = 12, Offset = 16, Size = 20, HeaderSize = 40 }
const enum Section64 { Type = 4, Address = 16, Offset = 24, Size = 32, HeaderSize = 64 }
/** Of a section without bytes in the file. */
const enum SectionType { None = 0, NoBits = 8 }

let table: u64 = 0;
let entrySize: u32 = 0;
let count: u32 = 0;
let end: u64 = 0;

export function sectionCount(): u32 {
  return count;
}

/** Bytes of one section header, and so of each entry of the tag. */
export function sectionHeaderSize(): u32 {
  return elfIs64() ? Section64.HeaderSize : Section32.HeaderSize;
}

/** Index of the section that holds the names. */
export function sectionNameIndex(): u32 {
  return imageLoad16(Image.Kernel, elfIs64() ? Header64.NameIndex : Header32.NameIndex);
}

/** First byte above the sections that were loaded and above the image. */
export function sectionsEnd(): u64 {
  return end;
}

export function noSections(imageEnd: u64): void {
  count = 0;
  end = imageEnd;
}

/** Copies sections that have bytes and no address from `imageEnd` on. */
export function loadSections(imageEnd: u64): LoadStatus {
  noSections(imageEnd);
  const size = imageSize(Image.Kernel);
  table = elfIs64() ? imageLoad64(Image.Kernel, Header64.Sections) : imageLoad32(Image.Kernel, Header32.Sections);
  entrySize = imageLoad16(Image.Kernel, elfIs64() ? Header64.EntrySize : Header32.EntrySize);
  const entries: u32 = imageLoad16(Image.Kernel, elfIs64() ? Header64.EntryCount : Header32.EntryCount);
  if (table == 0 || entries == 0) return LoadStatus.Done;
  if (entries > MAXIMUM_SECTIONS || entrySize < sectionHeaderSize()) return LoadStatus.ImageMalformed;
  if (!fits(table, <u64>entries * entrySize, size)) return LoadStatus.ImageMalformed;
  for (let i: u32 = 0; i < entries; i++) {
    if (isUnloaded(i) && !fits(offset(i), length(i), size)) return LoadStatus.ImageMalformed;
    if (isUnloaded(i) && !place(i)) return LoadStatus.ImageTooLarge;
  }
  count = entries;
  return LoadStatus.Done;
}

function place(index: u32): bool {
  const address = alignUp(end, PLACE_ALIGNMENT);
  if (!fits(address, length(index), lowMemory())) return false;
  end = address + length(index);
  return copyImage(address, Image.Kernel, offset(index), length(index)) != 0;
}

/**
 * Writes the section headers to `target`, one after the other, those of sections loaded here with their addresses.
 * They were placed in this order from `imageEnd` on.
 */
export function writeSectionHeaders(target: u64, imageEnd: u64): bool {
  const size = sectionHeaderSize();
  let address = imageEnd;
  for (let i: u32 = 0; i < count; i++) {
    const header = target + <u64>i * size;
    if (!copyImage(header, Image.Kernel, sectionHeader(i), size)) return false;
    if (!isUnloaded(i)) continue;
    address = alignUp(address, PLACE_ALIGNMENT);
    if (elfIs64()) store64(header + Section64.Address, address);
    else store32(header + Section32.Address, <u32>address);
    address += length(i);
  }
  return true;
}

function isUnloaded(index: u32): bool {
  const type = imageLoad32(Image.Kernel, sectionHeader(index) + Section64.Type); // the same in both classes
  return type != SectionType.None && type != SectionType.NoBits && length(index) != 0 && field(index, Section32.Address, Section64.Address) == 0;
}

function offset(index: u32): u64 {
  return field(index, Section32.Offset, Section64.Offset);
}

function length(index: u32): u64 {
  return field(index, Section32.Size, Section64.Size);
}

function sectionHeader(index: u32): u64 {
  return table + <u64>index * entrySize;
}

function field(index: u32, offset32: u64, offset64: u64): u64 {
  const header = sectionHeader(index);
  return elfIs64() ? imageLoad64(Image.Kernel, header + offset64) : imageLoad32(Image.Kernel, header + offset32);
}
