// The RAM image that Bochs loads (optramimage) and scripts/emulator/option-rom sorts into place: zero blocks for those that the
// BIOS touches first, a header block, then the kernel and the modules in blocks of 128 KiB. See docs/emulators.md.

import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { UserError } from "../error.ts";
import { readElf, type ElfFile } from "./elf.ts";
import { informationPrefix, type PlacedModule } from "./multiboot2.ts";
import type { BootImage } from "./types.ts";

const BLOCK = 0x20000;
/** At least as many as the BIOS touches; the option ROM touches the rest between 10 and 16 MiB. */
const LEADING_BLOCKS = 32;
const MODULES_START = 0x1000000;
const MAGIC = "BKDHBLOB";

// Offsets in the header block; scripts/emulator/option-rom/option-rom.S has the same.
const HEADER_ENTRY = 8;
const HEADER_BLOCKS = 12;
const HEADER_INFORMATION = 16;
const HEADER_LENGTH = 20;
const HEADER_ADDRESSES = 24;
/** What the option ROM appends to the information: memory map, RSDP, end. */
const ROOM_FOR_ROM = 0x2000;

/** Content for physical memory from `start`, a multiple of BLOCK. */
interface Part {
  start: number;
  content: Buffer;
}

/** Writes the RAM image of `image` for a machine with this much memory. */
export function writeBlob(image: BootImage, memoryBytes: number, path: string): void {
  const elf = readElf(image.kernel);
  const kernel = kernelPart(elf);
  const { parts, modules } = placeModules(image);
  const all = [kernel, ...parts];
  checkMemory(all, memoryBytes);
  const header = headerBlock(elf.entry, all, informationPrefix(image.commandLine, modules));
  const file = openSync(path, "w");
  try {
    let position = LEADING_BLOCKS * BLOCK;
    writeSync(file, header, 0, header.length, position);
    position += BLOCK;
    for (const { content } of all) {
      writeSync(file, content, 0, content.length, position);
      position += blocksOf(content) * BLOCK;
    }
    writeSync(file, Buffer.alloc(1), 0, 1, position - 1);
  } finally {
    closeSync(file);
  }
}

/** The kernel as it lies in memory, with zeros for what the file leaves out. */
function kernelPart(elf: ElfFile): Part {
  const start = Math.min(...elf.segments.map((segment) => segment.physicalAddress));
  const end = Math.max(...elf.segments.map((segment) => segment.physicalAddress + segment.memorySize));
  const content = Buffer.alloc(end - start);
  for (const segment of elf.segments) segment.content.copy(content, segment.physicalAddress - start);
  return { start, content };
}

function placeModules(image: BootImage): { parts: Part[]; modules: PlacedModule[] } {
  let next = MODULES_START;
  const parts: Part[] = [];
  const modules: PlacedModule[] = [];
  for (const { path, name } of image.modules) {
    const content = readModule(path);
    parts.push({ start: next, content });
    modules.push({ start: next, end: next + content.length, name });
    next += Math.max(1, blocksOf(content)) * BLOCK;
  }
  return { parts, modules };
}

function readModule(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    throw new UserError(`the module ${path} cannot be read`, "Build the system first, or correct the name of the image.");
  }
}

function blocksOf(content: Buffer): number {
  return Math.ceil(content.length / BLOCK);
}

function checkMemory(parts: readonly Part[], memoryBytes: number): void {
  const end = Math.max(...parts.map(({ start, content }) => start + blocksOf(content) * BLOCK));
  if (end <= memoryBytes) return;
  throw new UserError(
    `the kernel and its modules end at ${mebibytes(end)} MiB, and the machine has ${mebibytes(memoryBytes)} MiB`,
    "Give the machine more memory.",
  );
}

function mebibytes(bytes: number): number {
  return Math.ceil(bytes / 0x100000);
}

function headerBlock(entry: number, parts: readonly Part[], information: Buffer): Buffer {
  const addresses = parts.flatMap(({ start, content }) => Array.from({ length: blocksOf(content) }, (_, index) => start + index * BLOCK));
  const informationOffset = Math.ceil((HEADER_ADDRESSES + 4 * addresses.length) / 8) * 8;
  if (informationOffset + information.length + ROOM_FOR_ROM > BLOCK) {
    throw new UserError("the modules are too large or too many for one header block", "Boot the system through GRUB instead.");
  }
  const block = Buffer.alloc(BLOCK);
  block.write(MAGIC, 0, "latin1");
  block.writeUInt32LE(entry, HEADER_ENTRY);
  block.writeUInt32LE(addresses.length, HEADER_BLOCKS);
  block.writeUInt32LE(informationOffset, HEADER_INFORMATION);
  block.writeUInt32LE(information.length, HEADER_LENGTH);
  addresses.forEach((address, index) => block.writeUInt32LE(address, HEADER_ADDRESSES + 4 * index));
  information.copy(block, informationOffset);
  return block;
}
