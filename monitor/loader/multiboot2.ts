// A kernel by the Multiboot2 specification 2.0: ELF32, ELF64 or address fields.

import { LoadStatus } from "../interface";
import { loadModules } from "./bundle";
import { loadSections, noSections, sectionsEnd } from "./elf-sections";
import { enterFlat32 } from "./entry-state";
import { INFORMATION } from "./layout";
import { imageEnd, imageEntry, loadAddressedImage, loadElfImage } from "./multiboot-image";
import { InformationTag, addressFields, headerEntry, headerOffset, readHeader, requests } from "./multiboot2-header";
import { writeMultiboot2Information } from "./multiboot2-information";
import { NO_ENTRY } from "./segments";

/** 3.3: in EAX at the entry point. */
const LOADER_MAGIC: u64 = 0x36d76289;

export function loadMultiboot2(): LoadStatus {
  const header = readHeader();
  if (header != LoadStatus.Done) return header;
  const image = loadImage();
  if (image != LoadStatus.Done) return image;
  const modules = loadModules(sectionsEnd());
  if (modules != LoadStatus.Done) return modules;
  if (!writeMultiboot2Information()) return LoadStatus.CommandLineTooLong;
  enterFlat32(imageEntry(), LOADER_MAGIC, INFORMATION);
  return LoadStatus.Done;
}

/** With address fields the header must name the entry point too (3.1.6): no ELF header does. */
function loadImage(): LoadStatus {
  if (addressFields() != 0) {
    const addressed = headerEntry() == NO_ENTRY ? LoadStatus.EntryOutside : loadAddressedImage(headerOffset(), addressFields(), headerEntry());
    noSections(imageEnd());
    return addressed;
  }
  const elf = loadElfImage(headerEntry());
  if (elf != LoadStatus.Done) return elf;
  if (requests(InformationTag.ElfSections)) return loadSections(imageEnd());
  noSections(imageEnd());
  return LoadStatus.Done;
}
