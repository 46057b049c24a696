// Boot information of a multiboot2 loader (Multiboot2 Specification 2.0, section 3.6). Only core 0 parses it.

import { load8, load32, load64 } from "../../kernel/memory/physical";
import {
  addModule, BootStatus, clearInformation, MEMORY_ENTRY_SIZE, memoryMapCount, occupy, rsdpAddress, setCommandLine, setMemoryMap, setRsdp,
} from "./boot-information";

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

const MAXIMUM_SIZE: u32 = 1 << 20;
const TAGS: u64 = 8;

// Copied, since the information itself is not mapped behind the seal.
let screenAddress: u64 = 0;
let screenPitch: u32 = 0;
let screenWidth: u32 = 0;
let screenHeight: u32 = 0;
let screenBits: u32 = 0;
let screenType: u32 = 0;

/** Checks the information at physical address `info` and remembers where its parts are. */
export function parseMultiboot2(info: u64): BootStatus {
  clearInformation();
  screenAddress = 0;
  if (info == 0 || (info & 7) != 0) return BootStatus.InformationMissing;
  const total = load32(info);
  if (total < 16 || total > MAXIMUM_SIZE) return BootStatus.SizeInvalid;
  occupy(info, total);

  let offset: u64 = TAGS;
  while (offset + 8 <= total) {
    const tag = info + offset;
    const size = load32(tag + TagOffset.Size);
    if (size < 8 || offset + size > total) return BootStatus.TagInvalid;
    const type = load32(tag + TagOffset.Type);
    if (type == Tag.End) return memoryMapCount() == 0 ? BootStatus.MemoryMapMissing : BootStatus.Done;
    const status = parseTag(tag, type, size);
    if (status != BootStatus.Done) return status;
    offset += (<u64>size + 7) & ~7;
  }
  return BootStatus.EndTagMissing;
}

function parseTag(tag: u64, type: u32, size: u32): BootStatus {
  switch (type) {
    case Tag.CommandLine:
      setCommandLine(tag + TagOffset.String, size - TagOffset.String);
      return BootStatus.Done;
    case Tag.Module:
      return parseModule(tag, size);
    case Tag.MemoryMap:
      return parseMemoryMap(tag, size);
    case Tag.Framebuffer:
      return parseFramebuffer(tag, size);
    case Tag.OldRsdp:
      // The tag with the ACPI 2.0 RSDP is preferred, in whatever order the two come.
      if (rsdpAddress() == 0) setRsdp(tag + TagOffset.Rsdp);
      return size < <u32>TagOffset.Rsdp + 20 ? BootStatus.TagInvalid : BootStatus.Done;
    case Tag.NewRsdp:
      setRsdp(tag + TagOffset.Rsdp);
      return size < <u32>TagOffset.Rsdp + 36 ? BootStatus.TagInvalid : BootStatus.Done;
    default:
      return BootStatus.Done;
  }
}

function parseModule(tag: u64, size: u32): BootStatus {
  if (size < 16) return BootStatus.TagInvalid;
  const start = load32(tag + TagOffset.ModuleStart);
  const end = load32(tag + TagOffset.ModuleEnd);
  return end < start ? BootStatus.ModuleInvalid : addModule(start, end - start);
}

function parseMemoryMap(tag: u64, size: u32): BootStatus {
  if (size < <u32>TagOffset.Entries) return BootStatus.TagInvalid;
  const entrySize = load32(tag + TagOffset.EntrySize);
  if (entrySize < MEMORY_ENTRY_SIZE || (entrySize & 7) != 0) return BootStatus.MemoryMapInvalid;
  setMemoryMap(tag + TagOffset.Entries, entrySize, (size - TagOffset.Entries) / entrySize);
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

/** Physical address of the screen, 0 if the loader set up none; what follows describes it (Multiboot2 3.6.12). */
export function framebufferAddress(): u64 { return screenAddress; }
export function framebufferPitch(): u32 { return screenPitch; }
export function framebufferWidth(): u32 { return screenWidth; }
export function framebufferHeight(): u32 { return screenHeight; }
export function framebufferBits(): u32 { return screenBits; }
export function framebufferType(): u32 { return screenType; }
