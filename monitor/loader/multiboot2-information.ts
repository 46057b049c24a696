// The boot information of Multiboot2 2.0 3.4: a size, then tags on 8 bytes.

import { lowMemory } from "../configuration";
import { Image, load32, store32 } from "../imports";
import { LOW_RESERVED_BASE, LOW_RESERVED_END, RSDP_ADDRESS } from "../interface";
import { moduleAddress, moduleCount, moduleLength, moduleText, moduleTextLength } from "./bundle";
import { sectionCount, sectionHeaderSize, sectionNameIndex, writeSectionHeaders } from "./elf-sections";
import { LOADER_NAME_SIZE, NO_ROOM, beginInformation, commandLineLength, informationSize, putLoaderName, putText, take } from "./information";
import { INFORMATION } from "./layout";
import { START_INFO_ENTRY_SIZE, memoryMapEntries, writeMemoryMap } from "./memory-map";
import { imageEnd, imageStart } from "./multiboot-image";
import { InformationTag } from "./multiboot2-header";
import { mayBeRelocated } from "./relocation";

/** u32 total size, u32 reserved, then the tags. */
const HEADER_SIZE: u64 = 8;
/** u32 type, u32 size. */
const enum Tag { Type = 0, Size = 4, Content = 8 }
const enum MemoryInformation { Lower = 8, Upper = 12, Size = 16 } // u32 KiB each
const enum MemoryMap { EntrySize = 8, Version = 12, Entries = 16 } // u32 each, then e820 entries padded to 24 bytes
const enum Module { Start = 8, End = 12, Text = 16 } // u32, u32, text
const enum Sections { Count = 8, EntrySize = 12, NameIndex = 16, Headers = 20 } // u32 each
const enum LoadBase { Address = 8, Size = 12 } // u32

/** The first version of the RSDP, and the whole (ACPI 6.4 5.2.5.3): multiples of 4. */
const RSDP_OLD_SIZE: u64 = 20;
const RSDP_NEW_SIZE: u64 = 36;
const KIB: u64 = 1024;

/** False if texts and modules leave no room. */
export function writeMultiboot2Information(): bool {
  if (!beginInformation() || take(HEADER_SIZE) == NO_ROOM) return false;
  if (!writeTexts() || !writeMemory() || !writeModules() || !writeSections()) return false;
  if (!writeRsdp(InformationTag.RsdpOld, RSDP_OLD_SIZE) || !writeRsdp(InformationTag.RsdpNew, RSDP_NEW_SIZE)) return false;
  if (mayBeRelocated() && !writeLoadBase()) return false;
  if (takeTag(InformationTag.End, Tag.Content) == NO_ROOM) return false;
  store32(INFORMATION, <u32>informationSize());
  return true;
}

function takeTag(type: InformationTag, size: u64): u64 {
  const tag = take(size);
  if (tag == NO_ROOM) return NO_ROOM;
  store32(tag, type);
  store32(tag + Tag.Size, <u32>size);
  return tag;
}

/** A tag whose text begins at `textOffset`, with a zero behind it. */
function takeTextTag(type: InformationTag, textOffset: u64, image: u32, offset: u64, length: u64): u64 {
  const tag = length < u32.MAX_VALUE ? takeTag(type, textOffset + length + 1) : NO_ROOM;
  return tag != NO_ROOM && putText(tag + textOffset, image, offset, length) ? tag : NO_ROOM;
}

function writeTexts(): bool {
  if (takeTextTag(InformationTag.CommandLine, Tag.Content, Image.CommandLine, 0, commandLineLength()) == NO_ROOM) return false;
  const name = takeTag(InformationTag.LoaderName, Tag.Content + LOADER_NAME_SIZE);
  if (name == NO_ROOM) return false;
  putLoaderName(name + Tag.Content);
  return true;
}

function writeMemory(): bool {
  const information = takeTag(InformationTag.MemoryInformation, MemoryInformation.Size);
  if (information == NO_ROOM) return false;
  store32(information + MemoryInformation.Lower, <u32>(LOW_RESERVED_BASE / KIB));
  store32(information + MemoryInformation.Upper, <u32>((lowMemory() - LOW_RESERVED_END) / KIB));
  const map = takeTag(InformationTag.MemoryMap, MemoryMap.Entries + <u64>memoryMapEntries() * START_INFO_ENTRY_SIZE);
  if (map == NO_ROOM) return false;
  store32(map + MemoryMap.EntrySize, <u32>START_INFO_ENTRY_SIZE);
  writeMemoryMap(map + MemoryMap.Entries, START_INFO_ENTRY_SIZE);
  return true;
}

function writeModules(): bool {
  for (let i: u32 = 0; i < moduleCount(); i++) {
    const tag = takeTextTag(InformationTag.Module, Module.Text, Image.InitialRamDisk, moduleText(i), moduleTextLength(i));
    if (tag == NO_ROOM) return false;
    store32(tag + Module.Start, <u32>moduleAddress(i));
    store32(tag + Module.End, <u32>(moduleAddress(i) + moduleLength(i)));
  }
  return true;
}

function writeSections(): bool {
  if (sectionCount() == 0) return true;
  const tag = takeTag(InformationTag.ElfSections, Sections.Headers + <u64>sectionCount() * sectionHeaderSize());
  if (tag == NO_ROOM) return false;
  store32(tag + Sections.Count, sectionCount());
  store32(tag + Sections.EntrySize, sectionHeaderSize());
  store32(tag + Sections.NameIndex, sectionNameIndex());
  return writeSectionHeaders(tag + Sections.Headers, imageEnd());
}

/** A copy of the platform's, which is written before images are loaded. */
function writeRsdp(type: InformationTag, size: u64): bool {
  const tag = takeTag(type, Tag.Content + size);
  if (tag == NO_ROOM) return false;
  for (let at: u64 = 0; at < size; at += 4) store32(tag + Tag.Content + at, load32(RSDP_ADDRESS + at));
  return true;
}

function writeLoadBase(): bool {
  const tag = takeTag(InformationTag.LoadBase, LoadBase.Size);
  if (tag == NO_ROOM) return false;
  store32(tag + LoadBase.Address, <u32>imageStart());
  return true;
}
