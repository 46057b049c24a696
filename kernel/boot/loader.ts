// Two kinds of loaders: multiboot2 (GRUB) and PVH (QEMU's -kernel).

import { print, printLine } from "../console/print";
import { load32 } from "../memory/physical";
import { BootStatus } from "./boot-information";
import { parseMultiboot2 } from "./multiboot2";
import { parseStartInformation } from "./start-info";

/** First word of PVH's start information; that of multiboot2's is a size below 1 MiB. */
const PVH_START_MAGIC: u32 = 0x336ec578;

/** Reads what the loader left at physical address `information`. */
export function parseInformation(information: u64): BootStatus {
  if (information != 0 && load32(information) == PVH_START_MAGIC) return parseStartInformation(information);
  return parseMultiboot2(information);
}

/** What is wrong, for the report of FatalReason.BootInformation. */
export function printBootStatus(status: BootStatus): void {
  print("  ");
  print(bootStatusText(status));
  printLine();
}

function bootStatusText(status: BootStatus): string {
  switch (status) {
    case BootStatus.InformationMissing: return "the loader gave no address, or an odd one";
    case BootStatus.SizeInvalid: return "its size is under 16 bytes or over 1 MiB";
    case BootStatus.TagInvalid: return "a tag is too short or leaves the information";
    case BootStatus.EndTagMissing: return "it has no end tag";
    case BootStatus.ModuleInvalid: return "a module ends before it starts";
    case BootStatus.TooManyModules: return "more than 64 modules";
    case BootStatus.MemoryMapMissing: return "it has no memory map";
    case BootStatus.MemoryMapInvalid: return "entries of the memory map are shorter than 24 bytes or of odd length";
    case BootStatus.StartVersion: return "PVH start information of version 0, without a memory map";
    case BootStatus.StartAddress: return "PVH start information: an address beyond 16 GiB";
    case BootStatus.RamDisk: return "PVH start information: -initrd is no container of modules";
    case BootStatus.RamDiskShort: return "PVH start information: the container ends early";
    case BootStatus.RamDiskModule: return "PVH start information: a module leaves its container";
    default: return "unknown";
  }
}
