// Linux's bzImage by the 64-bit boot protocol.

import { lowMemory } from "../configuration";
import { Image, clear, copyImage, imageLoad16, imageLoad32, imageLoad64, imageLoad8, imageSize, store16, store32, store64, store8 } from "../imports";
import { LoadStatus, RSDP_ADDRESS } from "../interface";
import {
  BOOT_FLAG, BootParameters, ENTRY_64_OFFSET, ExtendedLoadFlag, HEADER_MAGIC, LoadFlag, MINIMUM_VERSION, NORMAL_VIDEO_MODE, SetupHeader,
  UNDEFINED_LOADER,
} from "./boot-parameters";
import { loadCommandLine } from "./command-line";
import { enterLong64 } from "./entry-state";
import { BOOT_GDT, BOOT_PARAMETERS, BOOT_STACK_TOP, COMMAND_LINE, IDENTITY_TABLES, LOWEST_IMAGE_ADDRESS } from "./layout";
import { writeBootGdt, writeIdentityTables } from "./long-mode";
import { E820_ENTRY_SIZE, writeMemoryMap } from "./memory-map";
import { loadRamDisk, ramDiskAddress, ramDiskSize } from "./ram-disk";
import { fits } from "./range";

const SECTOR: u64 = 512;

export function loadBzImage(): LoadStatus {
  const header = checkHeader();
  if (header != LoadStatus.Done) return header;
  const kernel = loadKernel();
  if (kernel != LoadStatus.Done) return kernel;
  const commandLine = loadCommandLine(imageLoad32(Image.Kernel, SetupHeader.CommandLineSize));
  if (commandLine != LoadStatus.Done) return commandLine;
  const address = preferredAddress();
  const ramDisk = loadRamDisk(address + initSize(), <u64>imageLoad32(Image.Kernel, SetupHeader.RamDiskAddressMaximum) + 1);
  if (ramDisk != LoadStatus.Done) return ramDisk;
  if (!writeBootParameters(address) || !writeIdentityTables()) return LoadStatus.ImageTooLarge;
  writeBootGdt();
  enterLong64(address + ENTRY_64_OFFSET, BOOT_STACK_TOP, BOOT_PARAMETERS, IDENTITY_TABLES, BOOT_GDT);
  return LoadStatus.Done;
}

function preferredAddress(): u64 {
  return imageLoad64(Image.Kernel, SetupHeader.PreferredAddress);
}

function initSize(): u64 {
  return imageLoad32(Image.Kernel, SetupHeader.InitSize);
}

/** First byte after the setup header in the image. */
function headerEnd(): u64 {
  return <u64>SetupHeader.Magic + imageLoad8(Image.Kernel, SetupHeader.HeaderLength);
}

function checkHeader(): LoadStatus {
  if (imageSize(Image.Kernel) < <u64>SetupHeader.End) return LoadStatus.ImageMalformed;
  if (imageLoad16(Image.Kernel, SetupHeader.BootFlag) != BOOT_FLAG) return LoadStatus.ImageMalformed;
  if (imageLoad32(Image.Kernel, SetupHeader.Magic) != HEADER_MAGIC) return LoadStatus.ImageMalformed;
  if (imageLoad16(Image.Kernel, SetupHeader.Version) < MINIMUM_VERSION) return LoadStatus.ImageUnsupported;
  if (headerEnd() < <u64>SetupHeader.RequiredEnd) return LoadStatus.ImageMalformed;
  const loadedHigh = imageLoad8(Image.Kernel, SetupHeader.LoadFlags) & LoadFlag.LoadedHigh;
  const kernel64 = imageLoad16(Image.Kernel, SetupHeader.ExtendedLoadFlags) & ExtendedLoadFlag.Kernel64;
  return loadedHigh && kernel64 ? LoadStatus.Done : LoadStatus.ImageUnsupported;
}

/** Offset in the image of the protected-mode kernel, which follows the real-mode sectors. */
function kernelOffset(): u64 {
  const sectors: u64 = imageLoad8(Image.Kernel, SetupHeader.SetupSectors);
  return ((sectors == 0 ? 4 : sectors) + 1) * SECTOR;
}

function loadKernel(): LoadStatus {
  const offset = kernelOffset();
  const fileSize = imageSize(Image.Kernel);
  if (offset + ENTRY_64_OFFSET >= fileSize) return LoadStatus.ImageMalformed;
  const size = fileSize - offset;
  const address = preferredAddress();
  if (size > initSize()) return LoadStatus.ImageMalformed;
  if (address < LOWEST_IMAGE_ADDRESS) return LoadStatus.ImageTooLow;
  if (!fits(address, initSize(), lowMemory())) return LoadStatus.ImageTooLarge;
  return copyImage(address, Image.Kernel, offset, size) ? LoadStatus.Done : LoadStatus.ImageTooLarge;
}

function writeBootParameters(kernel: u64): bool {
  if (!clear(BOOT_PARAMETERS, BootParameters.Size)) return false;
  const end = min<u64>(headerEnd(), SetupHeader.End);
  const start: u64 = SetupHeader.SetupSectors;
  if (!copyImage(BOOT_PARAMETERS + start, Image.Kernel, start, end - start)) return false;
  store16(BOOT_PARAMETERS + SetupHeader.VideoMode, NORMAL_VIDEO_MODE);
  store8(BOOT_PARAMETERS + SetupHeader.TypeOfLoader, UNDEFINED_LOADER);
  store32(BOOT_PARAMETERS + SetupHeader.Code32Start, <u32>kernel);
  store32(BOOT_PARAMETERS + SetupHeader.RamDiskImage, <u32>ramDiskAddress());
  store32(BOOT_PARAMETERS + SetupHeader.RamDiskSize, <u32>ramDiskSize());
  store32(BOOT_PARAMETERS + SetupHeader.CommandLinePointer, <u32>COMMAND_LINE);
  store64(BOOT_PARAMETERS + BootParameters.AcpiRsdpAddress, RSDP_ADDRESS);
  store8(BOOT_PARAMETERS + BootParameters.E820Entries, <u8>writeMemoryMap(BOOT_PARAMETERS + BootParameters.E820Table, E820_ENTRY_SIZE));
  return true;
}
