// Brings the partition's images into its memory and says how its first vCPU starts.

import { imageKind, lowMemory } from "../configuration";
import { Image, imageSize } from "../imports";
import { ImageKind, LOW_MEMORY_LIMIT, LOW_RESERVED_END, LoadStatus } from "../interface";
import { loadBzImage } from "./bzimage";
import { loadFirmware } from "./firmware";
import { loadFlat } from "./flat";
import { loadMultiboot } from "./multiboot";
import { loadMultiboot2 } from "./multiboot2";
import { loadPvh } from "./pvh";

/** Loads kernel, initial RAM disk or modules, and command line, and fills Mailbox.Entry if the result is Done. */
export function load(): LoadStatus {
  if (imageSize(Image.Kernel) == 0) return LoadStatus.ImageMissing;
  if (lowMemory() <= LOW_RESERVED_END || lowMemory() > LOW_MEMORY_LIMIT) return LoadStatus.ImageTooLarge;
  switch (imageKind()) {
    case ImageKind.BzImage: return loadBzImage();
    case ImageKind.Pvh: return loadPvh();
    case ImageKind.Multiboot: return loadMultiboot();
    case ImageKind.Multiboot2: return loadMultiboot2();
    case ImageKind.Flat: return loadFlat();
    case ImageKind.Firmware: return loadFirmware();
    default: return LoadStatus.ImageUnsupported;
  }
}
