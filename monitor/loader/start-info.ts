// hvm_start_info of the PVH boot protocol, version 1 (Xen, xen/include/public/arch-x86/hvm/start_info.h).

import { clear, store32, store64 } from "../imports";
import { RSDP_ADDRESS } from "../interface";
import { COMMAND_LINE, START_INFO } from "./layout";
import { START_INFO_ENTRY_SIZE, writeMemoryMap } from "./memory-map";
import { ramDiskAddress, ramDiskSize } from "./ram-disk";

const START_MAGIC: u32 = 0x336ec578;
const START_VERSION: u32 = 1;

const enum StartInfo {
  Magic = 0x00, // u32
  Version = 0x04, // u32
  ModuleCount = 0x0c, // u32
  Modules = 0x10, // u64
  CommandLine = 0x18, // u64
  Rsdp = 0x20, // u64
  MemoryMap = 0x28, // u64
  MemoryMapEntries = 0x30, // u32
  Size = 0x38,
}

const enum Module { Address = 0, Length = 8 } // u64 each; a command line and a reserved field follow

const MODULES: u64 = START_INFO + 0x100;
const MEMORY_MAP: u64 = START_INFO + 0x200;
const AREA: u64 = 0x1000;

/** Describes the command line and RAM disk that were loaded. False if it does not fit the partition's memory. */
export function writeStartInfo(): bool {
  if (!clear(START_INFO, AREA)) return false;
  store32(START_INFO + StartInfo.Magic, START_MAGIC);
  store32(START_INFO + StartInfo.Version, START_VERSION);
  store64(START_INFO + StartInfo.CommandLine, COMMAND_LINE);
  store64(START_INFO + StartInfo.Rsdp, RSDP_ADDRESS);
  store64(START_INFO + StartInfo.MemoryMap, MEMORY_MAP);
  store32(START_INFO + StartInfo.MemoryMapEntries, writeMemoryMap(MEMORY_MAP, START_INFO_ENTRY_SIZE));
  if (ramDiskAddress() != 0) writeModule();
  return true;
}

function writeModule(): void {
  store32(START_INFO + StartInfo.ModuleCount, 1);
  store64(START_INFO + StartInfo.Modules, MODULES);
  store64(MODULES + Module.Address, ramDiskAddress());
  store64(MODULES + Module.Length, ramDiskSize());
}
