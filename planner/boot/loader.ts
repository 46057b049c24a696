// Two kinds of loaders: multiboot2 (GRUB) and PVH (QEMU's -kernel).

import { load32 } from "../../kernel/memory/physical";
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
