// The ELF note by which an image names its 32-bit entry point (Xen, xen/include/public/elfnote.h).

import { Image, imageLoad32, imageLoad64 } from "../imports";
import { NO_ENTRY } from "./segments";

/** XEN_ELFNOTE_PHYS32_ENTRY; its value is 4 or 8 bytes long. */
const PHYS32_ENTRY: u32 = 18;
const NAME: u32 = 0x006E6558; // "Xen" and its zero
const NAME_SIZE: u32 = 4;

/** A note: three u32, then the name and the value, each padded to 4 bytes. */
const enum Note { NameSize = 0, ValueSize = 4, Type = 8, Name = 12 }

/** Looks for the entry point among the notes in `length` bytes at `offset` of the image, a range that lies in it. */
export function findEntry(offset: u64, length: u64): u64 {
  let position: u64 = 0;
  while (length - position >= <u64>Note.Name) {
    const note = offset + position;
    const nameSize = imageLoad32(Image.Kernel, note + Note.NameSize);
    const valueSize = imageLoad32(Image.Kernel, note + Note.ValueSize);
    const size = <u64>Note.Name + padded(nameSize) + padded(valueSize);
    if (size > length - position) return NO_ENTRY;
    if (isEntry(note, nameSize)) return entryValue(note, valueSize);
    position += size;
  }
  return NO_ENTRY;
}

function isEntry(note: u64, nameSize: u32): bool {
  if (nameSize != NAME_SIZE || imageLoad32(Image.Kernel, note + Note.Type) != PHYS32_ENTRY) return false;
  return imageLoad32(Image.Kernel, note + Note.Name) == NAME;
}

function entryValue(note: u64, valueSize: u32): u64 {
  const value = note + Note.Name + NAME_SIZE;
  if (valueSize == 4) return imageLoad32(Image.Kernel, value);
  if (valueSize == 8) return imageLoad64(Image.Kernel, value);
  return NO_ENTRY;
}

function padded(size: u32): u64 {
  return (<u64>size + 3) & ~3;
}
