// What the loader told: modules, memory, command line, RSDP, screen. Only core 0 reads it, and only before the seal.

import { load8, load32, load64 } from "../../kernel/memory/physical";

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
  StartVersion = 9, // PVH start information without a memory map
  StartAddress = 10, // an address in it that cannot be reached
  RamDisk = 11, // its module is no container of modules
  RamDiskShort = 12,
  RamDiskModule = 13, // a module leaves the container
}

/** Offsets in one memory map entry; multiboot2 and PVH have the same. */
const enum Entry {
  Base = 0, // u64
  Length = 8, // u64
  Type = 16, // u32
}
export const MEMORY_ENTRY_SIZE: u32 = 24;

/** Type of usable RAM in the memory map. */
export const MEMORY_AVAILABLE: u32 = 1;

const MAXIMUM_MODULES: u32 = 64;
// u64 address and u64 size of each module
const modules: usize = memory.data(1024);
let moduleTotal: u32 = 0;

let occupiedBase: u64 = 0;
let occupiedEnd: u64 = 0;
let commandLine: u64 = 0;
let commandLineLength: u32 = 0;
let mapEntries: u64 = 0;
let mapEntrySize: u32 = 0;
let mapCount: u32 = 0;
let rsdp: u64 = 0;

export function clearInformation(): void {
  occupiedBase = 0;
  occupiedEnd = 0;
  moduleTotal = 0;
  commandLine = 0;
  commandLineLength = 0;
  mapEntries = 0;
  mapEntrySize = 0;
  mapCount = 0;
  rsdp = 0;
}

/** The information lies here: nobody may overwrite it. */
export function occupy(base: u64, length: u64): void {
  occupiedBase = occupiedEnd == 0 ? base : min(occupiedBase, base);
  occupiedEnd = max(occupiedEnd, base + length);
}

export function addModule(address: u64, size: u64): BootStatus {
  if (moduleTotal == MAXIMUM_MODULES) return BootStatus.TooManyModules;
  const slot = modules + (<usize>moduleTotal << 4);
  store<u64>(slot, address);
  store<u64>(slot, size, 8);
  moduleTotal++;
  return BootStatus.Done;
}

/** `limit`: longest text in bytes. */
export function setCommandLine(address: u64, limit: u32): void {
  commandLine = address;
  commandLineLength = 0;
  while (commandLineLength < limit && load8(address + commandLineLength) != 0) commandLineLength++;
}

export function setMemoryMap(entries: u64, entrySize: u32, count: u32): void {
  mapEntries = entries;
  mapEntrySize = entrySize;
  mapCount = count;
}

export function setRsdp(address: u64): void {
  rsdp = address;
}

export function moduleCount(): u32 { return moduleTotal; }

/** Physical address of module `index`, 0 if there is none. */
export function moduleAddress(index: u32): u64 {
  return index < moduleTotal ? load<u64>(modules + (<usize>index << 4)) : 0;
}

/** Bytes of module `index`, 0 if there is none. */
export function moduleSize(index: u32): u64 {
  return index < moduleTotal ? load<u64>(modules + (<usize>index << 4), 8) : 0;
}

/** Where the information itself lies, for those who must not overwrite it. */
export function informationAddress(): u64 { return occupiedBase; }

export function informationLength(): u64 { return occupiedEnd - occupiedBase; }

export function memoryMapCount(): u32 { return mapCount; }

export function memoryMapBase(index: u32): u64 { return load64(mapEntries + <u64>index * mapEntrySize + Entry.Base); }

export function memoryMapLength(index: u32): u64 {
  return load64(mapEntries + <u64>index * mapEntrySize + Entry.Length);
}

/** MEMORY_AVAILABLE for RAM; any other type is not to be used. */
export function memoryMapType(index: u32): u32 { return load32(mapEntries + <u64>index * mapEntrySize + Entry.Type); }

/** Physical address of the RSDP, 0 if the loader gave none. */
export function rsdpAddress(): u64 { return rsdp; }

/** Physical address of the kernel command line; see commandLineSize() for its length. */
export function commandLineAddress(): u64 { return commandLine; }

/** Bytes of the kernel command line without its terminator. */
export function commandLineSize(): u32 { return commandLineLength; }
