// A kernel by the Multiboot specification 0.6.96: ELF32, ELF64 (as QEMU's and GRUB's loaders take it) or address fields.

import { Image, imageLoad32, imageSize } from "../imports";
import { LoadStatus } from "../interface";
import { loadModules } from "./bundle";
import { enterFlat32 } from "./entry-state";
import { loadAddressedImage, loadElfImage, imageEnd, imageEntry } from "./multiboot-image";
import { writeMultibootInformation } from "./multiboot-information";
import { refuse } from "./refusal";
import { forbidRelocation } from "./relocation";
import { NO_ENTRY } from "./segments";
import { INFORMATION } from "./layout";

/** 3.1: the header lies in the first 8192 bytes, on 4. */
const SEARCHED: u64 = 8192;
const HEADER_MAGIC: u32 = 0x1badb002;
/** 3.2: in EAX at the entry point. */
const LOADER_MAGIC: u64 = 0x2badb002;
const NO_HEADER: u64 = u64.MAX_VALUE;

/** 3.1.1; all u32. */
const enum Header { Magic = 0, Flags = 4, Checksum = 8, Size = 12, Addresses = 12, Entry = 28, AddressedSize = 32 }

/** 3.1.2. */
const enum HeaderFlag {
  PageAlign = 1 << 0, // modules always lie on pages
  MemoryInformation = 1 << 1, // always given
  VideoMode = 1 << 2, // a preference; there is no display
  Required = 0xffff, // a bit here that the loader does not know stops it
  Addresses = 1 << 16,
}
const KNOWN_FLAGS: u32 = HeaderFlag.PageAlign | HeaderFlag.MemoryInformation | HeaderFlag.VideoMode;

export function loadMultiboot(): LoadStatus {
  const header = findHeader();
  if (header == NO_HEADER) return LoadStatus.HeaderMissing;
  const flags = imageLoad32(Image.Kernel, header + Header.Flags);
  const unknown = flags & HeaderFlag.Required & ~KNOWN_FLAGS;
  if (unknown != 0) return refuse(LoadStatus.FlagUnsupported, ctz(unknown));
  forbidRelocation();
  const image = flags & HeaderFlag.Addresses ? loadByAddresses(header) : loadElfImage(NO_ENTRY);
  if (image != LoadStatus.Done) return image;
  const modules = loadModules(imageEnd());
  if (modules != LoadStatus.Done) return modules;
  if (!writeMultibootInformation()) return LoadStatus.CommandLineTooLong;
  enterFlat32(imageEntry(), LOADER_MAGIC, INFORMATION);
  return LoadStatus.Done;
}

function findHeader(): u64 {
  const end = min<u64>(imageSize(Image.Kernel), SEARCHED);
  for (let at: u64 = 0; at + <u64>Header.Size <= end; at += 4) {
    if (imageLoad32(Image.Kernel, at) != HEADER_MAGIC) continue;
    const sum = HEADER_MAGIC + imageLoad32(Image.Kernel, at + Header.Flags) + imageLoad32(Image.Kernel, at + Header.Checksum);
    if (sum == 0) return at;
  }
  return NO_HEADER;
}

function loadByAddresses(header: u64): LoadStatus {
  if (header + <u64>Header.AddressedSize > min<u64>(imageSize(Image.Kernel), SEARCHED)) return LoadStatus.ImageMalformed;
  return loadAddressedImage(header, header + Header.Addresses, imageLoad32(Image.Kernel, header + Header.Entry));
}
