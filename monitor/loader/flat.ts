// A binary without headers of its own; the policy compiler puts before it where it goes and how it starts.

import { Image, copyImage, imageLoad32, imageLoad64, imageSize } from "../imports";
import { LoadStatus } from "../interface";
import { FLAT_MAGIC, Flat, FlatMode } from "./containers";
import { enterFlat32, enterLong64, enterReal } from "./entry-state";
import { BOOT_GDT, BOOT_STACK_TOP, IDENTITY_TABLES } from "./layout";
import { writeBootGdt, writeIdentityTables } from "./long-mode";
import { checkPlace } from "./place";

/** Real mode reaches no entry point above. */
const REAL_MODE_END: u64 = 0x100000;

export function loadFlat(): LoadStatus {
  if (imageSize(Image.Kernel) <= <u64>Flat.Content || imageLoad32(Image.Kernel, Flat.Magic) != FLAT_MAGIC) return LoadStatus.ImageMalformed;
  const address = imageLoad64(Image.Kernel, Flat.Address);
  const entry = imageLoad64(Image.Kernel, Flat.Entry);
  const size = imageSize(Image.Kernel) - Flat.Content;
  const place = checkPlace(address, size);
  if (place != LoadStatus.Done) return place;
  if (entry - address >= size) return LoadStatus.EntryOutside;
  if (!copyImage(address, Image.Kernel, Flat.Content, size)) return LoadStatus.ImageTooLarge;
  return enter(entry);
}

function enter(entry: u64): LoadStatus {
  switch (imageLoad32(Image.Kernel, Flat.Mode)) {
    case FlatMode.Real:
      if (entry >= REAL_MODE_END) return LoadStatus.EntryOutside;
      enterReal(entry);
      return LoadStatus.Done;
    case FlatMode.Protected:
      enterFlat32(entry, 0, 0);
      return LoadStatus.Done;
    case FlatMode.Long:
      if (!writeIdentityTables()) return LoadStatus.ImageTooLarge;
      writeBootGdt();
      enterLong64(entry, BOOT_STACK_TOP, 0, IDENTITY_TABLES, BOOT_GDT);
      return LoadStatus.Done;
  }
  return LoadStatus.ImageUnsupported;
}
