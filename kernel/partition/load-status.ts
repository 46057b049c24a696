// Why an image could not be loaded, in words a user can act on.

import { print, printDecimal } from "../console/print";
import { LoadStatus } from "../../monitor/interface";

/** `detail` is the number of what some statuses are about. */
export function printLoadStatus(status: u32, detail: u32): void {
  print(loadStatusText(status));
  if (status >= <u32>LoadStatus.FlagUnsupported && status <= <u32>LoadStatus.RequestUnsupported) printDecimal(detail);
}

function loadStatusText(status: u32): string {
  switch (status) {
    case LoadStatus.ImageMissing: return "no kernel image; name one in the system description";
    case LoadStatus.ImageMalformed: return "kernel image malformed; rebuild it or check the file";
    case LoadStatus.ImageUnsupported: return "kernel image has neither the 64-bit boot protocol nor a PVH note";
    case LoadStatus.ImageTooLarge: return "kernel image does not fit the partition's memory; give it more";
    case LoadStatus.InitialRamDiskTooLarge: return "initial RAM disk or modules do not fit the partition's memory; give it more";
    case LoadStatus.ImageTooLow: return "kernel image has a part below 1 MiB, where boot structures lie; link it higher";
    case LoadStatus.CommandLineTooLong: return "command line longer than the image accepts";
    case LoadStatus.SegmentsOverlap: return "two segments of the kernel image overlap; link it anew";
    case LoadStatus.EntryOutside: return "entry point outside the kernel image, or where its mode cannot reach";
    case LoadStatus.HeaderMissing: return "kernel image has no multiboot header where one must be; check the boot protocol";
    case LoadStatus.FlagUnsupported: return "multiboot header requires a feature that is not supported: flag ";
    case LoadStatus.TagUnsupported: return "multiboot2 header has a required tag that is not supported: ";
    case LoadStatus.RequestUnsupported: return "multiboot2 header requires information that is not given: tag ";
    case LoadStatus.ModulesMalformed: return "modules malformed; compile the system anew";
    case LoadStatus.RomMalformed: return "the size of the firmware is no multiple of 64 KiB, or beyond 16 MiB; name a ROM image";
    default: return "image could not be loaded";
  }
}
