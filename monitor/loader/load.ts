// Brings the partition's images into its memory and says how its first vCPU starts.

import { imageKind, lowMemory } from "../configuration";
import { Image, imageSize } from "../imports";
import { imageKind, lowMemory } from "../configuration";
import { ImageKind, LOW_MEMORY_LIMIT, LOW_RESERVED_END, LoadStatus } from "../interface";
import { loadBzImage } from "./bzimage";
import { loadPvh } from "./pvh";

/** Loads kernel, initial RAM disk and command line, and fills Mailbox.Entry if the result is Done. */
export function load(): LoadStatus {
  if (imageSize(Image.Kernel) == 0) return LoadStatus.ImageMissing;
  if (lowMemory() <= LOW_RESERVED_END || lowMemory() > LOW_MEMORY_LIMIT) return LoadStatus.ImageTooLarge;
  switch (imageKind()) {
    case ImageKind.BzImage: return loadBzImage();
    case ImageKind.Pvh: return loadPvh();
    default: return LoadStatus.ImageUnsupported;
  }
}
