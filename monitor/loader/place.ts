import { lowMemory } from "../configuration";
import { LOW_RESERVED_END, LoadStatus } from "../interface";
import { BOOT_AREA } from "./layout";
import { fits } from "./range";

/** Whether a part of an image may lie at [address, address + size): in RAM, and not where the boot structures are. */
export function checkPlace(address: u64, size: u64): LoadStatus {
  if (!fits(address, size, lowMemory())) return LoadStatus.ImageTooLarge;
  return address < LOW_RESERVED_END && address + size > BOOT_AREA ? LoadStatus.ImageTooLow : LoadStatus.Done;
}
