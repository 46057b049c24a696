// The header of a Multiboot2 image (Multiboot2 2.0 3.1) and what its tags ask for.

import { Image, imageLoad16, imageLoad32, imageSize } from "../imports";
import { LoadStatus } from "../interface";
import { alignUp, fits } from "./range";
import { refuse } from "./refusal";
import { allowRelocation, forbidRelocation } from "./relocation";
import { NO_ENTRY } from "./segments";

/** 3.1: the header lies in the first 32768 bytes, on 8. */
const SEARCHED: u64 = 32768;
const HEADER_MAGIC: u32 = 0xe85250d6;
const ARCHITECTURE_I386: u32 = 0;

/** All u32. */
const enum Header { Magic = 0, Architecture = 4, Length = 8, Checksum = 12, Tags = 16 }
/** u16, u16, u32. */
const enum Tag { Type = 0, Flags = 2, Size = 4, Content = 8 }
const OPTIONAL: u16 = 1;

/** 3.1.4 to 3.1.14. */
const enum HeaderTag {
  End = 0,
  InformationRequest = 1, // u32 InformationTag each
  Address = 2, // the four address fields
  EntryAddress = 3, // u32
  Console = 4, // u32, bit 0: a console that the image knows must be there
  Framebuffer = 5, // a preference; there is no display
  ModuleAlignment = 6, // modules always lie on pages
  EfiBootServices = 7, // the three EFI tags say nothing to a loader that is not EFI's
  EfiEntry32 = 8,
  EfiEntry64 = 9,
  Relocatable = 10, // u32 lowest address, highest, alignment, preference
}
const CONSOLE_REQUIRED: u32 = 1;

/** Types of the tags of the information that an image may request, 3.6. */
export const enum InformationTag {
  End = 0, CommandLine = 1, LoaderName = 2, Module = 3, MemoryInformation = 4, MemoryMap = 6, ElfSections = 9, RsdpOld = 14, RsdpNew = 15, LoadBase = 21,
}
/** One bit for each tag that the loader can give. */
const GIVEN: u32 = 1 << InformationTag.CommandLine | 1 << InformationTag.LoaderName | 1 << InformationTag.Module | 1 << InformationTag.MemoryInformation
  | 1 << InformationTag.MemoryMap | 1 << InformationTag.ElfSections | 1 << InformationTag.RsdpOld | 1 << InformationTag.RsdpNew | 1 << InformationTag.LoadBase;

let start: u64 = 0;
let addresses: u64 = 0;
let entry: u64 = NO_ENTRY;
let requested: u32 = 0;

/** Offset of the header in the file. */
export function headerOffset(): u64 {
  return start;
}

/** Offset of the four address fields in the file; 0 if the image has ELF headers instead. */
export function addressFields(): u64 {
  return addresses;
}

/** The entry point that the header asks for, or NO_ENTRY. */
export function headerEntry(): u64 {
  return entry;
}

/** Whether the image requested this tag of the information. */
export function requests(tag: InformationTag): bool {
  return (requested >> <u32>tag & 1) != 0;
}

/** Finds the header and reads its tags; refuses what is required and not known. */
export function readHeader(): LoadStatus {
  addresses = 0;
  entry = NO_ENTRY;
  requested = 0;
  forbidRelocation();
  const end = min<u64>(imageSize(Image.Kernel), SEARCHED);
  for (start = 0; start + <u64>Header.Tags <= end; start += 8) {
    if (isHeader(end)) return readTags(start + imageLoad32(Image.Kernel, start + Header.Length));
  }
  return LoadStatus.HeaderMissing;
}

function isHeader(end: u64): bool {
  const magic = imageLoad32(Image.Kernel, start);
  if (magic != HEADER_MAGIC || imageLoad32(Image.Kernel, start + Header.Architecture) != ARCHITECTURE_I386) return false;
  const length = imageLoad32(Image.Kernel, start + Header.Length);
  if (magic + length + imageLoad32(Image.Kernel, start + Header.Checksum) != 0) return false;
  return length >= <u32>Header.Tags && fits(start, length, end);
}

/** Up to the end tag; `end` bounds them, and so the rounds. */
function readTags(end: u64): LoadStatus {
  let tag = start + <u64>Header.Tags;
  while (fits(tag, Tag.Content, end)) {
    const size = imageLoad32(Image.Kernel, tag + Tag.Size);
    if (size < <u32>Tag.Content || !fits(tag, size, end)) return LoadStatus.ImageMalformed;
    if (imageLoad16(Image.Kernel, tag) == <u16>HeaderTag.End) return LoadStatus.Done;
    const status = readTag(tag, size);
    if (status != LoadStatus.Done) return status;
    tag = alignUp(tag + size, 8);
  }
  return LoadStatus.ImageMalformed;
}

function readTag(tag: u64, size: u32): LoadStatus {
  const type: u32 = imageLoad16(Image.Kernel, tag);
  const required = (imageLoad16(Image.Kernel, tag + Tag.Flags) & OPTIONAL) == 0;
  if (size < smallestSize(type)) return LoadStatus.ImageMalformed;
  switch (type) {
    case HeaderTag.InformationRequest: return readRequests(tag, size, required);
    case HeaderTag.Address: addresses = tag + Tag.Content; return LoadStatus.Done;
    case HeaderTag.EntryAddress: entry = imageLoad32(Image.Kernel, tag + Tag.Content); return LoadStatus.Done;
    case HeaderTag.Relocatable: return readRelocation(tag + Tag.Content);
    case HeaderTag.Console:
      if (required && imageLoad32(Image.Kernel, tag + Tag.Content) & CONSOLE_REQUIRED) return refuse(LoadStatus.TagUnsupported, type);
      return LoadStatus.Done;
    case HeaderTag.Framebuffer:
    case HeaderTag.ModuleAlignment:
    case HeaderTag.EfiBootServices:
    case HeaderTag.EfiEntry32:
    case HeaderTag.EfiEntry64: return LoadStatus.Done;
  }
  return required ? refuse(LoadStatus.TagUnsupported, type) : LoadStatus.Done;
}

/** Bytes of a tag whose content is read. */
function smallestSize(type: u32): u32 {
  if (type == HeaderTag.Address || type == HeaderTag.Relocatable) return 24;
  return type == HeaderTag.EntryAddress || type == HeaderTag.Console ? 12 : <u32>Tag.Content;
}

function readRelocation(content: u64): LoadStatus {
  const lowest = imageLoad32(Image.Kernel, content);
  const highest = imageLoad32(Image.Kernel, content + 4);
  return allowRelocation(lowest, highest, imageLoad32(Image.Kernel, content + 8)) ? LoadStatus.Done : LoadStatus.ImageMalformed;
}

function readRequests(tag: u64, size: u32, required: bool): LoadStatus {
  for (let at: u32 = Tag.Content; at + 4 <= size; at += 4) {
    const wanted = imageLoad32(Image.Kernel, tag + at);
    if (wanted < 32 && (GIVEN >> wanted & 1) != 0) requested |= <u32>1 << wanted;
    else if (required) return refuse(LoadStatus.RequestUnsupported, wanted);
  }
  return LoadStatus.Done;
}
