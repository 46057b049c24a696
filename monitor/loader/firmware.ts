// Firmware: the kernel maps the ROM below 4 GiB; the first instruction is at the reset vector in it.

import { Image, copyImage, imageSize } from "../imports";
import { LOW_RESERVED_END, LoadStatus, MAXIMUM_ROM, ROM_GRANULE, ROM_SHADOW } from "../interface";
import { enterReset } from "./entry-state";

export function loadFirmware(): LoadStatus {
  const size = imageSize(Image.Kernel);
  if (size > MAXIMUM_ROM || size % ROM_GRANULE != 0) return LoadStatus.RomMalformed;
  const shadow = min<u64>(size, ROM_SHADOW);
  if (!copyImage(LOW_RESERVED_END - shadow, Image.Kernel, size - shadow, shadow)) return LoadStatus.ImageTooLarge;
  enterReset();
  return LoadStatus.Done;
}
