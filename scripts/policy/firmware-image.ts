// Firmware that a partition starts with: Debian's SeaBIOS or OVMF, or a ROM that the system file names.

import { existsSync, statSync } from "node:fs";
import { ImageKind, MAXIMUM_ROM, ROM_GRANULE } from "../../monitor/interface.ts";
import { UserError } from "../error.ts";
import { existingFile } from "./existing-file.ts";
import type { ImageFiles } from "./images.ts";
import { displayPath } from "./load.ts";
import type { Image, Partition } from "./schema.ts";

type FirmwareImage = Image & { kind: "bios" | "uefi" };

const debianRoms = {
  bios: { file: "/usr/share/seabios/bios-256k.bin", debianPackage: "seabios" },
  uefi: { file: "/usr/share/ovmf/OVMF.fd", debianPackage: "ovmf" },
};

/** Resolves and checks the ROM of partition `index`; throws UserError. */
export function resolveFirmware(partition: Partition, image: FirmwareImage, index: number, systemFile: string): ImageFiles {
  const field = `${displayPath(systemFile)}: partitions[${index}]`;
  const rom = image.firmware === undefined ? debianRom(image.kind, field) : existingFile(image.firmware, systemFile, `${field}.image.firmware`);
  checkSize(rom, `${field}.image.firmware`);
  checkFunctions(partition, field);
  return { kind: ImageKind.Firmware, kernel: rom, ramDisk: null, commandLine: "" };
}

function debianRom(kind: FirmwareImage["kind"], field: string): string {
  const { file, debianPackage } = debianRoms[kind];
  if (existsSync(file)) return file;
  throw new UserError(`${field}.image is ${kind}(), but there is no ${file}`, `Install Debian's package ${debianPackage}: \`npm run bulkhead -- setup\`.`);
}

function checkSize(rom: string, field: string): void {
  const { size } = statSync(rom);
  if (size !== 0 && size % Number(ROM_GRANULE) === 0 && size <= Number(MAXIMUM_ROM)) return;
  throw new UserError(`${field}: ${rom} has ${size} bytes`, "Name a ROM image of a multiple of 64 KiB, at most 16 MiB.");
}

/** Firmware would move the memory of the functions, which stays where the kernel maps it. */
function checkFunctions(partition: Partition, field: string): void {
  if (partition.pci.length === 0) return;
  throw new UserError(`${field}.pci ("${partition.name}") names PCI functions, but its image is firmware`, "Give the functions to a partition whose image is a kernel.");
}
