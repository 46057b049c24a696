// Images of guests that are neither Linux nor a partition in TypeScript: multiboot, multiboot2, PVH and flat.

import { readFileSync } from "node:fs";
import path from "node:path";
import { ImageKind } from "../../monitor/interface.ts";
import { FlatMode } from "../../monitor/loader/containers.ts";
import { UserError } from "../error.ts";
import { makeBundle, makeFlat, type BundledModule } from "./bundle.ts";
import { readElf, resolveEntry } from "./elf-file.ts";
import { existingFile } from "./existing-file.ts";
import type { ImageFiles } from "./images.ts";
import { displayPath } from "./load.ts";
import { readMultiboot2Header, readMultibootHeader, type AddressFields, type MultibootHeader } from "./multiboot-header.ts";
import { checkPlacement, hexadecimal, relocate, type Part, type Subject } from "./placement.ts";
import { pvhEntry } from "./pvh-note.ts";
import type { Image, Partition } from "./schema.ts";

type MultibootImage = Image & { kind: "multiboot" | "multiboot2" };
type PvhImage = Image & { kind: "pvh" };
type FlatImage = Image & { kind: "flat" };

const flatModes: Record<FlatImage["mode"], FlatMode> = { real: FlatMode.Real, "32-bit": FlatMode.Protected, "64-bit": FlatMode.Long };
/** What real mode reaches. */
const REAL_MODE_END = 0x100000;

/** Resolves and checks the image of partition `index`; throws UserError. */
export function resolveGuest(partition: Partition, image: MultibootImage | PvhImage | FlatImage, index: number, systemFile: string): ImageFiles {
  const field = `${displayPath(systemFile)}: partitions[${index}]`;
  const source = image.kind === "flat" ? image.file : image.kernel;
  const file = existingFile(source, systemFile, `${field}.image.${image.kind === "flat" ? "file" : "kernel"}`);
  const subject = { field, name: partition.name, memory: partition.memory, file: displayPath(file) };
  switch (image.kind) {
    case "flat": return resolveFlat(image, readFileSync(file), file, subject);
    case "pvh": return resolvePvh(image, file, systemFile, subject);
    default: return resolveMultiboot(image, file, systemFile, subject);
  }
}

function resolveMultiboot(image: MultibootImage, kernel: string, systemFile: string, subject: Subject): ImageFiles {
  const bytes = readFileSync(kernel);
  const field = `${subject.field}.image`;
  const readHeader = image.kind === "multiboot" ? readMultibootHeader : readMultiboot2Header;
  const header = readHeader(bytes, subject.file, field);
  const modules = image.modules.map((module, index) => readModule(module, systemFile, `${field}.modules[${index}]`));
  checkPlacement(relocate(imageParts(bytes, header, subject), header.relocation, subject), modules.map((module) => module.bytes.length), subject);
  return {
    kind: image.kind === "multiboot" ? ImageKind.Multiboot : ImageKind.Multiboot2,
    kernel,
    ramDisk: modules.length === 0 ? null : { name: `${subject.name}-modules.bin`, bytes: makeBundle(modules) },
    commandLine: image.commandLine,
  };
}

function readModule(module: MultibootImage["modules"][number], systemFile: string, field: string): BundledModule {
  const description = typeof module === "string" ? { file: module, commandLine: "" } : module;
  const file = existingFile(description.file, systemFile, typeof module === "string" ? field : `${field}.file`);
  return { bytes: readFileSync(file), commandLine: description.commandLine };
}

/** The parts that the header and the ELF headers describe, once the entry point is found in one of them. */
function imageParts(bytes: Buffer, header: MultibootHeader, subject: Subject): Part[] {
  if (header.addresses !== null) {
    const part = addressedPart(header.addresses, bytes.length, subject);
    checkEntry(header.entry ?? -1, [part], subject);
    return [part];
  }
  const { entry, segments } = readElf(bytes, subject.file);
  if (resolveEntry(header.entry ?? entry, segments) === null) checkEntry(header.entry ?? entry, segments, subject);
  return segments;
}

function addressedPart({ offset, start, loadEnd, bssEnd }: AddressFields, fileSize: number, subject: Subject): Part {
  const available = fileSize - offset;
  const copied = loadEnd === 0 ? available : loadEnd - start;
  const size = bssEnd === 0 ? copied : bssEnd - start;
  if (offset >= 0 && copied > 0 && copied <= available && size >= copied) return { name: "the image", start, size };
  throw new UserError(
    `${subject.field}.image: the address fields in the multiboot header of ${subject.file} contradict each other or the file's size`,
    "Correct header_addr, load_addr, load_end_addr and bss_end_addr.",
  );
}

function checkEntry(entry: number, parts: Part[], { field, file }: Subject): void {
  if (parts.some(({ start, size }) => entry >= start && entry < start + size)) return;
  throw new UserError(`${field}.image: the entry point ${hexadecimal(entry)} of ${file} lies in none of its parts`, "Link it with the entry point in a loaded segment.");
}

function resolvePvh(image: PvhImage, kernel: string, systemFile: string, subject: Subject): ImageFiles {
  const ramDisk = image.initramfs === "none" ? null : existingFile(image.initramfs, systemFile, `${subject.field}.image.initramfs`);
  const { segments, notes } = readElf(readFileSync(kernel), subject.file);
  const entry = pvhEntry(notes);
  if (entry === null) {
    throw new UserError(`${subject.field}.image is pvh({ ... }), but ${subject.file} has no PVH note`, "Link it with Xen's ELF note 18 (PHYS32_ENTRY), or name the way that it starts by.");
  }
  checkEntry(entry, segments, subject);
  checkPlacement(segments, ramDisk === null ? [] : [readFileSync(ramDisk).length], subject);
  return { kind: ImageKind.Pvh, kernel, ramDisk, commandLine: image.commandLine };
}

function resolveFlat(image: FlatImage, bytes: Buffer, file: string, subject: Subject): ImageFiles {
  const { address, entry = address, mode } = image;
  const part = { name: "the binary", start: address, size: bytes.length };
  if (bytes.length === 0) throw new UserError(`${subject.field}.image.file: ${subject.file} is empty`, "Name a file with code in it.");
  if (entry < address || entry >= address + bytes.length) {
    throw new UserError(`${subject.field}.image.entry is ${hexadecimal(entry)}, outside the ${bytes.length} bytes at ${hexadecimal(address)}`, "Give an address in the binary.");
  }
  if (mode === "real" && entry >= REAL_MODE_END) {
    throw new UserError(`${subject.field}.image.entry is ${hexadecimal(entry)}, which real mode does not reach`, "Give an address below 0x90000, or another mode.");
  }
  checkPlacement([part], [], subject);
  const kernel = { name: path.basename(file), bytes: makeFlat(bytes, address, entry, flatModes[mode]) };
  return { kind: ImageKind.Flat, kernel, ramDisk: null, commandLine: "" };
}
