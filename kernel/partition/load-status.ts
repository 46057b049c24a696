// Why an image could not be loaded, in words a user can act on.

import { LoadStatus } from "../../monitor/interface";

export function loadStatusText(status: u32): string {
  switch (status) {
    case LoadStatus.ImageMissing: return "no kernel image; name one in the system description";
    case LoadStatus.ImageMalformed: return "kernel image malformed; rebuild it or check the file";
    case LoadStatus.ImageUnsupported: return "kernel image has neither the 64-bit boot protocol nor a PVH note";
    case LoadStatus.ImageTooLarge: return "kernel image does not fit the partition's memory; give it more";
    case LoadStatus.InitialRamDiskTooLarge: return "initial RAM disk does not fit the partition's memory; give it more";
    case LoadStatus.ImageTooLow: return "kernel image has a part below 1 MiB; link it higher";
    case LoadStatus.CommandLineTooLong: return "command line longer than the image accepts";
    default: return "image could not be loaded";
  }
}
