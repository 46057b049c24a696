// The modules of a boot image as one file, for loaders that hand over no more than one: QEMU with -kernel. planner/boot/start-info.ts reads it.
//
//   u64 magic "BKHDMODS"; u64 count; { u64 offset; u64 size; } of each module, from the start of the file; then the modules, on pages

import { readFileSync } from "node:fs";
import type { Module } from "./types.ts";

const MAGIC = "BKHDMODS";
const HEADER_SIZE = 16;
const PAGE_SIZE = 4096;

export function ramDisk(modules: readonly Module[]): Buffer {
  return packModules(modules.map(({ path }) => readFileSync(path)));
}

export function packModules(contents: readonly Buffer[]): Buffer {
  const header = Buffer.alloc(toPages(HEADER_SIZE + contents.length * 16));
  header.write(MAGIC, "latin1");
  header.writeBigUInt64LE(BigInt(contents.length), 8);
  const parts: Buffer[] = [header];
  let end = header.length;
  contents.forEach((content, index) => {
    header.writeBigUInt64LE(BigInt(end), HEADER_SIZE + index * 16);
    header.writeBigUInt64LE(BigInt(content.length), HEADER_SIZE + index * 16 + 8);
    const padding = Buffer.alloc(toPages(content.length) - content.length);
    parts.push(content, padding);
    end += content.length + padding.length;
  });
  return Buffer.concat(parts);
}

function toPages(size: number): number {
  return Math.ceil(size / PAGE_SIZE) * PAGE_SIZE;
}
