// Boot information of a multiboot2 loader (Multiboot2 Specification 2.0, section 3.6). Only core 0 parses it.

import { load8, load32, load64 } from "../memory/physical";

export const enum BootStatus {
  Done = 0,
  InformationMissing = 1, // address 0 or not a multiple of 8
  SizeInvalid = 2, // total_size under 16 or over MAXIMUM_SIZE
  TagInvalid = 3, // a tag is shorter than its type asks for, or leaves the information
  EndTagMissing = 4,
  ModuleInvalid = 5, // mod_end lies before mod_start
  TooManyModules = 6,
  MemoryMapMissing = 7,
  MemoryMapInvalid = 8, // entry_size under 24 or not a multiple of 8
}

const enum Tag {
  End = 0,
  CommandLine = 1,
  Module = 3,
  MemoryMap = 6,
  Framebuffer = 8,
  OldRsdp = 14,
  NewRsdp = 15,
}

/** Offsets in tags; each starts with u32 type and u32 size. */
const enum TagOffset {
  Type = 0,
  Size = 4,
  String = 8, // CommandLine
  ModuleStart = 8, // u32
  ModuleEnd = 12, // u32
  EntrySize = 8, // MemoryMap, u32
  Entries = 16, // MemoryMap
  Rsdp = 8, // copy of the RSDP
  ScreenAddress = 8, // Framebuffer, u64
  ScreenPitch = 16, // u32
  ScreenWidth = 20, // u32
  ScreenHeight = 24, // u32
  ScreenBits = 28, // u8
  ScreenType = 29, // u8
  ScreenEnd = 31,
}

/** Offsets in one memory map entry. */
const enum Entry {
  Base = 0, // u64
  Length = 8, // u64
  Type = 16, // u32
  Size = 24,
}

/** Type of usable RAM in the memory map. */
export const MEMORY_AVAILABLE: u32 = 1;

const MAXIMUM_SIZE: u32 = 1 << 20;
const MAXIMUM_MODULES: u32 = 64;
const TAGS: u64 = 8;

// u64 address and u64 size of each module
const modules: usize = memory.data(1024);
let moduleTotal: u32 = 0;

let information: u64 = 0;
let informationSize: u32 = 0;
let commandLine: u64 = 0;
let commandLineLength: u32 = 0;
let mapEntries: u64 = 0;
let mapEntrySize: u32 = 0;
let mapCount: u32 = 0;
let rsdpCopy: u64 = 0;
// Copied, since the information itself is not mapped behind the seal.
let screenAddress: u64 = 0;
let screenPitch: u32 = 0;
let screenWidth: u32 = 0;
let screenHeight: u32 = 0;
let screenBits: u32 = 0;
let screenType: u32 = 0;

/** Checks the information at physical address `info` and remembers where its parts are. */
export function parse(info: u64): BootStatus {
  reset();
  if (info == 0 || (info & 7) != 0) return BootStatus.InformationMissing;
  const total = load32(info);
  if (total < 16 || total > MAXIMUM_SIZE) return BootStatus.SizeInvalid;
  information = info;
  informationSize = total;

  let offset: u64 = TAGS;
  while (offset + 8 <= total) {
    const tag = info + offset;
    const size = load32(tag + TagOffset.Size);
    if (size < 8 || offset + size > total) return BootStatus.TagInvalid;
    const type = load32(tag + TagOffset.Type);
    if (type == Tag.End) return mapCount == 0 ? BootStatus.MemoryMapMissing : BootStatus.Done;
    const status = parseTag(tag, type, size);
    if (status != BootStatus.Done) return status;
    offset += (<u64>size + 7) & ~7;
  }
  return BootStatus.EndTagMissing;
}

function reset(): void {
  information = 0;
  informationSize = 0;
  moduleTotal = 0;
  commandLine = 0;
  commandLineLength = 0;
  mapEntries = 0;
  mapEntrySize = 0;
  mapCount = 0;
  rsdpCopy = 0;
  screenAddress = 0;
}

function parseTag(tag: u64, type: u32, size: u32): BootStatus {
  switch (type) {
    case Tag.CommandLine:
      commandLine = tag + TagOffset.String;
      commandLineLength = stringLength(commandLine, size - TagOffset.String);
      return BootStatus.Done;
    case Tag.Module:
      return parseModule(tag, size);
    case Tag.MemoryMap:
      return parseMemoryMap(tag, size);
    case Tag.Framebuffer:
      return parseFramebuffer(tag, size);
    case Tag.OldRsdp:
      // The tag with the ACPI 2.0 RSDP is preferred, in whatever order the two come.
      if (rsdpCopy == 0) rsdpCopy = tag + TagOffset.Rsdp;
      return size < <u32>TagOffset.Rsdp + 20 ? BootStatus.TagInvalid : BootStatus.Done;
    case Tag.NewRsdp:
      rsdpCopy = tag + TagOffset.Rsdp;
      return size < <u32>TagOffset.Rsdp + 36 ? BootStatus.TagInvalid : BootStatus.Done;
    default:
      return BootStatus.Done;
  }
}

function stringLength(address: u64, limit: u32): u32 {
  let length: u32 = 0;
  while (length < limit && load8(address + length) != 0) length++;
  return length;
}

function parseModule(tag: u64, size: u32): BootStatus {
  if (size < 16) return BootStatus.TagInvalid;
  if (moduleTotal == MAXIMUM_MODULES) return BootStatus.TooManyModules;
  const start = load32(tag + TagOffset.ModuleStart);
  const end = load32(tag + TagOffset.ModuleEnd);
  if (end < start) return BootStatus.ModuleInvalid;
  const slot = modules + (<usize>moduleTotal << 4);
  store<u64>(slot, start);
  store<u64>(slot, end - start, 8);
  moduleTotal++;
  return BootStatus.Done;
}

function parseMemoryMap(tag: u64, size: u32): BootStatus {
  if (size < <u32>TagOffset.Entries) return BootStatus.TagInvalid;
  const entrySize = load32(tag + TagOffset.EntrySize);
  if (entrySize < <u32>Entry.Size || (entrySize & 7) != 0) return BootStatus.MemoryMapInvalid;
  mapEntries = tag + TagOffset.Entries;
  mapEntrySize = entrySize;
  mapCount = (size - TagOffset.Entries) / entrySize;
  return BootStatus.Done;
}

function parseFramebuffer(tag: u64, size: u32): BootStatus {
  if (size < <u32>TagOffset.ScreenEnd) return BootStatus.TagInvalid;
  screenAddress = load64(tag + TagOffset.ScreenAddress);
  screenPitch = load32(tag + TagOffset.ScreenPitch);
  screenWidth = load32(tag + TagOffset.ScreenWidth);
  screenHeight = load32(tag + TagOffset.ScreenHeight);
  screenBits = load8(tag + TagOffset.ScreenBits);
  screenType = load8(tag + TagOffset.ScreenType);
  return BootStatus.Done;
}

export function moduleCount(): u32 {
  return moduleTotal;
}

/** Physical address of module `index`, 0 if there is none. */
export function moduleAddress(index: u32): u64 {
  return index < moduleTotal ? load<u64>(modules + (<usize>index << 4)) : 0;
}

/** Bytes of module `index`, 0 if there is none. */
export function moduleSize(index: u32): u64 {
  return index < moduleTotal ? load<u64>(modules + (<usize>index << 4), 8) : 0;
}

/** Where the information itself lies, for those who must not overwrite it. */
export function informationAddress(): u64 {
  return information;
}

export function informationLength(): u32 {
  return informationSize;
}

export function memoryMapCount(): u32 {
  return mapCount;
}

export function memoryMapBase(index: u32): u64 {
  return load64(mapEntries + <u64>index * mapEntrySize + Entry.Base);
}

export function memoryMapLength(index: u32): u64 {
  return load64(mapEntries + <u64>index * mapEntrySize + Entry.Length);
}

/** MEMORY_AVAILABLE for RAM; any other type is not to be used. */
export function memoryMapType(index: u32): u32 {
  return load32(mapEntries + <u64>index * mapEntrySize + Entry.Type);
}

/** Physical address of the loader's copy of the RSDP, 0 if it gave none. */
export function rsdpAddress(): u64 {
  return rsdpCopy;
}

/** Physical address of the kernel command line; see commandLineSize() for its length. */
export function commandLineAddress(): u64 {
  return commandLine;
}

/** Bytes of the kernel command line without its terminator. */
export function commandLineSize(): u32 {
  return commandLineLength;
}

/** Physical address of the screen, 0 if the loader set up none; what follows describes it (Multiboot2 3.6.12). */
export function framebufferAddress(): u64 { return screenAddress; }
export function framebufferPitch(): u32 { return screenPitch; }
export function framebufferWidth(): u32 { return screenWidth; }
export function framebufferHeight(): u32 { return screenHeight; }
export function framebufferBits(): u32 { return screenBits; }
export function framebufferType(): u32 { return screenType; }
