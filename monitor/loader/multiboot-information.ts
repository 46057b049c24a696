// The information structure of Multiboot 0.6.96 3.3.

import { lowMemory } from "../configuration";
import { Image, store32 } from "../imports";
import { LOW_RESERVED_BASE, LOW_RESERVED_END } from "../interface";
import { moduleAddress, moduleCount, moduleLength, moduleText, moduleTextLength } from "./bundle";
import { LOADER_NAME_SIZE, NO_ROOM, beginInformation, commandLineLength, putLoaderName, putText, take } from "./information";
import { INFORMATION } from "./layout";
import { memoryMapEntries, writeMemoryMap } from "./memory-map";

/** All u32. */
const enum Information {
  Flags = 0,
  MemoryLower = 4, // KiB
  MemoryUpper = 8, // KiB from 1 MiB on, up to the first hole
  CommandLine = 16,
  ModuleCount = 20,
  Modules = 24,
  MapLength = 44,
  Map = 48,
  LoaderName = 64,
  Size = 120,
}

const enum InformationFlag { Memory = 1 << 0, CommandLine = 1 << 2, Modules = 1 << 3, MemoryMap = 1 << 6, LoaderName = 1 << 9 }

/** A module's entry; all u32. */
const enum Module { Start = 0, End = 4, Text = 8, Size = 16 }

/** An entry: the size of what follows it, then an e820 entry. */
const MAP_ENTRY_SIZE: u64 = 24;
const MAP_ENTRY_CONTENT: u32 = 20;
const KIB: u64 = 1024;

/** False if command lines and modules leave no room. */
export function writeMultibootInformation(): bool {
  if (!beginInformation() || take(Information.Size) == NO_ROOM) return false;
  let flags: u32 = InformationFlag.Memory | InformationFlag.CommandLine | InformationFlag.MemoryMap | InformationFlag.LoaderName;
  put(Information.MemoryLower, LOW_RESERVED_BASE / KIB);
  put(Information.MemoryUpper, (lowMemory() - LOW_RESERVED_END) / KIB);
  if (!writeName() || !writeMap() || !writeCommandLine() || !writeModules()) return false;
  if (moduleCount() != 0) flags |= InformationFlag.Modules;
  put(Information.Flags, flags);
  return true;
}

function put(field: u64, value: u64): void {
  store32(INFORMATION + field, <u32>value);
}

function writeName(): bool {
  const name = take(LOADER_NAME_SIZE);
  if (name == NO_ROOM) return false;
  putLoaderName(name);
  put(Information.LoaderName, name);
  return true;
}

function writeMap(): bool {
  const entries = memoryMapEntries();
  const map = take(<u64>entries * MAP_ENTRY_SIZE);
  if (map == NO_ROOM) return false;
  writeMemoryMap(map + 4, MAP_ENTRY_SIZE);
  for (let i: u64 = 0; i < <u64>entries; i++) store32(map + i * MAP_ENTRY_SIZE, MAP_ENTRY_CONTENT);
  put(Information.Map, map);
  put(Information.MapLength, <u64>entries * MAP_ENTRY_SIZE);
  return true;
}

function writeCommandLine(): bool {
  const text = writeText(Image.CommandLine, 0, commandLineLength());
  put(Information.CommandLine, text);
  return text != NO_ROOM;
}

function writeModules(): bool {
  const table = take(<u64>moduleCount() * Module.Size);
  if (table == NO_ROOM) return false;
  put(Information.ModuleCount, moduleCount());
  put(Information.Modules, table);
  for (let i: u32 = 0; i < moduleCount(); i++) {
    const entry = table + <u64>i * Module.Size;
    const text = writeText(Image.InitialRamDisk, moduleText(i), moduleTextLength(i));
    if (text == NO_ROOM) return false;
    store32(entry + Module.Start, <u32>moduleAddress(i));
    store32(entry + Module.End, <u32>(moduleAddress(i) + moduleLength(i)));
    store32(entry + Module.Text, <u32>text);
  }
  return true;
}

/** Address of the text with a zero behind it, or NO_ROOM. */
function writeText(image: u32, offset: u64, length: u64): u64 {
  const address = length < u32.MAX_VALUE ? take(length + 1) : NO_ROOM;
  return address != NO_ROOM && putText(address, image, offset, length) ? address : NO_ROOM;
}
