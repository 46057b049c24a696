import { beforeAll, describe, expect, test } from "vitest";
import { ImageKind, LoadStatus } from "../../../../monitor/interface.ts";
import { compileParts, LOW_MEMORY } from "../parts.ts";
import { ELF32, ELF64, pattern } from "./images.ts";
import { bundle, KERNEL, makeHeader2, makeKernel, words } from "./multiboot-images.ts";
import { loadKernel, tags, type Loaded, type Options } from "./multiboot-load.ts";

const REQUEST = 1;

let module: WebAssembly.Module;

beforeAll(async () => {
  module = await compileParts();
}, 60_000);

function load(image: Buffer, options: Options = {}): Loaded {
  return loadKernel(module, ImageKind.Multiboot2, image, options);
}

describe.each([32, 64] as const)("sections of an ELF%i image", (bits) => {
  const fields = bits === 64 ? { table: 0x28, entrySize: 0x3a, count: 0x3c, names: 0x3e, size: 64 } : { table: 0x20, entrySize: 0x2e, count: 0x30, names: 0x32, size: 40 };
  const texts = Buffer.from("\0symbols\0");

  /** One section that a segment loads, then names that none does. */
  const kernel = (change: (image: Buffer, table: number) => void = () => {}): Buffer => {
    const image = makeKernel(makeHeader2([{ type: REQUEST, content: [9] }]), { bits });
    const section = (type: number, address: number, offset: number, size: number): Buffer => {
      if (bits === 32) return words(0, type, 0, address, offset, size, 0, 0, 0, 0);
      return words(0, type, 0, 0, address, 0, offset, 0, size, 0, 0, 0, 0, 0, 0, 0);
    };
    const table = image.length + texts.length;
    const whole = Buffer.concat([image, texts, section(0, 0, 0, 0), section(1, Number(KERNEL), 64, 16), section(3, 0, image.length, texts.length)]);
    if (bits === 64) whole.writeBigUInt64LE(BigInt(table), fields.table);
    else whole.writeUInt32LE(table, fields.table);
    whole.writeUInt16LE(fields.size, fields.entrySize);
    whole.writeUInt16LE(3, fields.count);
    whole.writeUInt16LE(2, fields.names);
    change(whole, table);
    return whole;
  };

  test("lie behind the image, and their headers say where", () => {
    const { parts, status } = load(kernel(), { modules: bundle([pattern(1), ""]) });
    expect(status).toBe(LoadStatus.Done);
    const tag = tags(parts).get(9)![0]!;
    expect([tag.readUInt32LE(0), tag.readUInt32LE(4), tag.readUInt32LE(8)]).toEqual([3, fields.size, 2]);
    const [loaded, names] = [1, 2].map((index) => tag.readUInt32LE(12 + index * fields.size + (bits === 64 ? 16 : 12))) as [number, number];
    expect(loaded).toBe(Number(KERNEL));
    expect(names).toBeGreaterThan(Number(KERNEL) + 0x1100);
    expect(parts.ram.subarray(names, names + texts.length).equals(texts)).toBe(true);
  });

  test.each<[string, LoadStatus, (image: Buffer, table: number) => void]>([
    ["too many", LoadStatus.ImageMalformed, (image) => image.writeUInt16LE(257, fields.count)],
    ["more than the file has", LoadStatus.ImageMalformed, (image) => image.writeUInt16LE(4, fields.count)],
    ["with headers too short", LoadStatus.ImageMalformed, (image) => image.writeUInt16LE(fields.size - 1, fields.entrySize)],
    ["outside the file", LoadStatus.ImageMalformed, (image, table) => image.writeUInt32LE(0xffffff00, table + 2 * fields.size + (bits === 64 ? 24 : 16))],
    ["longer than the file", LoadStatus.ImageMalformed, (image, table) => image.writeUInt32LE(0x10000, table + 2 * fields.size + (bits === 64 ? 32 : 20))],
    ["none at all", LoadStatus.Done, (image) => image.writeUInt16LE(0, fields.count)],
  ])("%s", (_name, status, change) => {
    expect(load(kernel(change)).status).toBe(status);
  });

  test("that memory has no room for are refused", () => {
    const layout = bits === 64 ? ELF64 : ELF32;
    const memorySize = layout.headerSize + (bits === 64 ? 40 : 20);
    const full = kernel((image) => image.writeUInt32LE(LOW_MEMORY - Number(KERNEL), memorySize));
    expect(load(full).status).toBe(LoadStatus.ImageTooLarge);
  });
});
