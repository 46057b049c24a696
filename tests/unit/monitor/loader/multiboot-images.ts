// Multiboot kernels and module bundles for tests, assembled byte by byte.

import { makeBundle } from "../../../../scripts/policy/bundle.ts";
import { ELF32, ELF64, LOAD, makeElf, pattern, type Segment } from "./images.ts";

export const MULTIBOOT_MAGIC = 0x1badb002;
export const MULTIBOOT2_MAGIC = 0xe85250d6;
export const KERNEL = 0x200000n;
export const ENTRY = 0x200020;

/** A header with its checksum; `fields` are the five address fields. */
export function makeHeader(flags = 3, fields: number[] = []): Buffer {
  return words(MULTIBOOT_MAGIC, flags, -(MULTIBOOT_MAGIC + flags), ...fields);
}

export interface Tag {
  type: number;
  optional?: boolean;
  content?: number[];
  /** Bytes that the tag claims; those it has by default. */
  size?: number;
}

/** A Multiboot2 header with these tags and an end tag. */
export function makeHeader2(tags: Tag[] = [], architecture = 0): Buffer {
  const bodies = [...tags, { type: 0 }].map(({ type, optional = false, content = [], size = 8 + content.length * 4 }) => {
    const head = words(type | (optional ? 0x10000 : 0), size, ...content);
    return Buffer.concat([head, Buffer.alloc(-head.length & 7)]);
  });
  const length = 16 + bodies.reduce((sum, body) => sum + body.length, 0);
  return Buffer.concat([words(MULTIBOOT2_MAGIC, architecture, length, -(MULTIBOOT2_MAGIC + architecture + length)), ...bodies]);
}

/** An ELF kernel whose first segment begins with `header` (at KERNEL) and is followed by 0x1000 zeroes. */
export function makeKernel(header: Buffer, options: { bits?: 32 | 64; entry?: bigint; segments?: Segment[]; padding?: number } = {}): Buffer {
  const { bits = 32, entry = BigInt(ENTRY), segments = [], padding = 0 } = options;
  const bytes = Buffer.concat([Buffer.alloc(padding), header, pattern(0x100)]);
  const image = makeElf([{ type: LOAD, address: KERNEL, bytes, memorySize: BigInt(bytes.length + 0x1000) }, ...segments], bits);
  if (bits === 64) image.writeBigUInt64LE(entry, 0x18);
  else image.writeUInt32LE(Number(entry), 0x18);
  return alignHeaders(image, bits, segments.length + 1, bytes);
}

/** Segments follow the program headers at once: pads the file so that the header lies on 8, as a linker would. */
function alignHeaders(image: Buffer, bits: 32 | 64, count: number, first: Buffer): Buffer {
  const layout = bits === 64 ? ELF64 : ELF32;
  const start = layout.headerSize + count * layout.programHeaderSize;
  const padding = -start & 7;
  if (image.subarray(start, start + first.length).compare(first) !== 0) throw new Error("the first segment does not follow the headers");
  for (let index = 0; index < count; index++) {
    const offset = layout.headerSize + index * layout.programHeaderSize + (bits === 64 ? 8 : 4);
    image.writeUInt32LE(image.readUInt32LE(offset) + padding, offset);
  }
  return Buffer.concat([image.subarray(0, start), Buffer.alloc(padding), image.subarray(start)]);
}

export function bundle(...modules: [bytes: Buffer, commandLine: string][]): Buffer {
  return makeBundle(modules.map(([bytes, commandLine]) => ({ bytes, commandLine })));
}

export function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => bytes.writeUInt32LE(value >>> 0, index * 4));
  return bytes;
}
