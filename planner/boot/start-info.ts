// The start information of PVH (Xen, arch-x86/hvm/start_info.h), which QEMU's -kernel gives. It hands over one file, its
// -initrd: a container of modules (scripts/emulator/ram-disk.ts).

import { BOOT_DIRECT_END } from "../../kernel/memory/layout";
import { load32, load64 } from "../../kernel/memory/physical";
import {
  addModule, BootStatus, clearInformation, commandLineSize, MEMORY_ENTRY_SIZE, memoryMapCount, occupy, setCommandLine, setMemoryMap, setRsdp,
} from "./boot-information";

const enum Start {
  Version = 4, // u32
  ModuleCount = 12, // u32
  Modules = 16, // u64
  CommandLine = 24, // u64
  Rsdp = 32, // u64
  MemoryMap = 40, // u64, from version 1 on
  MemoryEntries = 48, // u32
  Size = 56,
}

/** Entries of the list of modules, and of the container's. */
const enum Module {
  Address = 0, // u64; in a container from its start
  Length = 8, // u64
  ListSize = 32,
  ContainerSize = 16,
}

const CONTAINER_MAGIC: u64 = 0x53444f4d44484b42; // "BKHDMODS"
const CONTAINER_COUNT: u64 = 8;
const CONTAINER_MODULES: u64 = 16;
const LONGEST_COMMAND_LINE: u32 = 0x4000;
const RSDP_SIZE: u64 = 36;

/** Checks the information at physical address `start` and remembers where its parts are. */
export function parseStartInformation(start: u64): BootStatus {
  clearInformation();
  if (load32(start + Start.Version) == 0) return BootStatus.StartVersion;
  occupy(start, Start.Size);
  const text = load64(start + Start.CommandLine);
  if (!isReachable(text, LONGEST_COMMAND_LINE)) return BootStatus.StartAddress;
  if (text != 0) {
    setCommandLine(text, LONGEST_COMMAND_LINE);
    occupy(text, commandLineSize() + 1);
  }
  const status = load32(start + Start.ModuleCount) == 0 ? BootStatus.Done : parseModules(load64(start + Start.Modules));
  if (status != BootStatus.Done) return status;
  const rsdp = load64(start + Start.Rsdp);
  if (!isReachable(rsdp, RSDP_SIZE)) return BootStatus.StartAddress;
  setRsdp(rsdp);
  return parseMemoryMap(load64(start + Start.MemoryMap), load32(start + Start.MemoryEntries));
}

/** By the boot core's first tables. */
function isReachable(address: u64, length: u64): bool {
  return address < BOOT_DIRECT_END && length <= BOOT_DIRECT_END - address;
}

function parseMemoryMap(entries: u64, count: u32): BootStatus {
  const size = <u64>count * MEMORY_ENTRY_SIZE;
  if (!isReachable(entries, size)) return BootStatus.StartAddress;
  setMemoryMap(entries, MEMORY_ENTRY_SIZE, count);
  occupy(entries, size);
  return memoryMapCount() == 0 ? BootStatus.MemoryMapMissing : BootStatus.Done;
}

function parseModules(list: u64): BootStatus {
  if (!isReachable(list, Module.ListSize)) return BootStatus.StartAddress;
  const container = load64(list + Module.Address);
  const size = load64(list + Module.Length);
  if (!isReachable(container, size)) return BootStatus.StartAddress;
  if (size < CONTAINER_MODULES || load64(container) != CONTAINER_MAGIC) return BootStatus.RamDisk;
  const count = load64(container + CONTAINER_COUNT);
  if (count > (size - CONTAINER_MODULES) / Module.ContainerSize) return BootStatus.RamDiskShort;
  for (let index: u64 = 0; index < count; index++) {
    const entry = container + CONTAINER_MODULES + index * Module.ContainerSize;
    const offset = load64(entry + Module.Address);
    const length = load64(entry + Module.Length);
    if (offset > size || length > size - offset) return BootStatus.RamDiskModule;
    const status = addModule(container + offset, length);
    if (status != BootStatus.Done) return status;
  }
  return BootStatus.Done;
}
