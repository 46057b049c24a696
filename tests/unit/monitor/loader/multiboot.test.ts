import { beforeAll, describe, expect, test } from "vitest";
import { EntryMode, EntryState, ImageKind, LoadStatus } from "../../../../monitor/interface.ts";
import { Random } from "../decoder/native/random.ts";
import { compileParts, LOW_MEMORY, Parts } from "../parts.ts";
import { LOAD, pattern } from "./images.ts";
import { bundle, ENTRY, KERNEL, makeHeader, makeKernel, MULTIBOOT_MAGIC, words } from "./multiboot-images.ts";
import { information, loadKernel, text, type Loaded, type Options } from "./multiboot-load.ts";

/** Bytes; a small partition, so that sizes and addresses often do not fit. */
const FUZZED_MEMORY = 24 << 20;
const PAGE = 4096;

let module: WebAssembly.Module;

beforeAll(async () => {
  module = await compileParts();
}, 60_000);

function load(image: Buffer, options: Options = {}): Loaded {
  return loadKernel(module, ImageKind.Multiboot, image, options);
}

describe.each([32, 64] as const)("a good ELF%i image", (bits) => {
  const image = makeKernel(makeHeader(), { bits });
  const first = pattern(PAGE + 1);
  const options: Options = { modules: bundle([first, "first one"], [Buffer.from("two"), ""]), commandLine: "a=b c", highMemory: 0x200000n };

  test("starts in 32-bit mode with the loader's magic number", () => {
    const { parts, status } = load(image, options);
    expect(status).toBe(LoadStatus.Done);
    expect(parts.entry(EntryState.Mode)).toBe(BigInt(EntryMode.Flat32));
    expect(parts.entry(EntryState.Rip)).toBe(BigInt(ENTRY));
    expect(parts.entry(EntryState.Rax)).toBe(0x2badb002n);
  });

  test("lies at its physical address with zeroes behind it", () => {
    const { ram } = load(image).parts;
    const end = Number(KERNEL) + 12 + 0x100;
    expect(ram.readUInt32LE(Number(KERNEL))).toBe(MULTIBOOT_MAGIC);
    expect(ram.subarray(Number(KERNEL) + 12, end).equals(pattern(0x100))).toBe(true);
    expect(ram.subarray(end, end + 0x1000).every((byte) => byte === 0)).toBe(true);
    expect(ram.readUInt8(end + 0x1000)).toBe(0xcc);
  });

  test("is told memory, command line and loader", () => {
    const { parts } = load(image, options);
    const info = information(parts);
    expect(info.readUInt32LE(0)).toBe(0x24d);
    expect(info.readUInt32LE(4)).toBe(636);
    expect(info.readUInt32LE(8)).toBe(LOW_MEMORY / 1024 - 1024);
    expect(text(parts, info.readUInt32LE(16))).toBe("a=b c");
    expect(text(parts, info.readUInt32LE(64))).toBe("Bulkhead");
  });

  test("is told the memory map", () => {
    const { parts } = load(image, options);
    const info = information(parts);
    expect(info.readUInt32LE(44)).toBe(4 * 24);
    const map = parts.ram.subarray(info.readUInt32LE(48));
    const entries = [0, 24, 48, 72].map((at) => [map.readUInt32LE(at), map.readBigUInt64LE(at + 4), map.readBigUInt64LE(at + 12), map.readUInt32LE(at + 20)]);
    expect(entries).toEqual([
      [20, 0n, 0x9f000n, 1],
      [20, 0x9f000n, 0x61000n, 2],
      [20, 0x100000n, BigInt(LOW_MEMORY) - 0x100000n, 1],
      [20, 0x100000000n, 0x200000n, 1],
    ]);
  });

  test("gets its modules on pages at the top of low memory, in their order", () => {
    const { parts } = load(image, options);
    const info = information(parts);
    expect(info.readUInt32LE(20)).toBe(2);
    const table = parts.ram.subarray(info.readUInt32LE(24));
    const [start, end] = [table.readUInt32LE(0), table.readUInt32LE(4)];
    expect([start, end - start]).toEqual([LOW_MEMORY - 3 * PAGE, first.length]);
    expect(parts.ram.subarray(start, end).equals(first)).toBe(true);
    expect(text(parts, table.readUInt32LE(8))).toBe("first one");
    expect([table.readUInt32LE(16), table.readUInt32LE(20)]).toEqual([LOW_MEMORY - PAGE, LOW_MEMORY - PAGE + 3]);
    expect(parts.ram.toString("latin1", LOW_MEMORY - PAGE, LOW_MEMORY - PAGE + 3)).toBe("two");
    expect(text(parts, table.readUInt32LE(24))).toBe("");
  });

  test("without modules and command line: no modules, an empty command line", () => {
    const info = information(load(image).parts);
    expect(info.readUInt32LE(0)).toBe(0x245);
    expect(info.readUInt32LE(20)).toBe(0);
    expect(info.readUInt32LE(44)).toBe(3 * 24);
  });
});

describe("the entry point", () => {
  test("that only a virtual address explains is translated", () => {
    const { parts, status } = load(makeKernel(makeHeader(), { bits: 64, entry: 0xffffffff80200040n }));
    expect(status).toBe(LoadStatus.Done);
    expect(parts.entry(EntryState.Rip)).toBe(0x200040n);
  });

  test.each([["below", KERNEL - 1n], ["behind", KERNEL + 12n + 0x1100n], ["at 0", 0n], ["at the end of the address space", 0xffffffffn]])("%s is refused", (_name, entry) => {
    expect(load(makeKernel(makeHeader(), { entry })).status).toBe(LoadStatus.EntryOutside);
  });
});

describe("the header", () => {
  const image = (at: number, header: Buffer): Buffer => {
    const bytes = makeKernel(Buffer.alloc(9000));
    header.copy(bytes, at);
    return bytes;
  };

  test("is found up to its last place in the first 8 KiB, and no further", () => {
    expect(load(image(8192 - 12, makeHeader())).status).toBe(LoadStatus.Done);
    expect(load(image(8192 - 8, makeHeader())).status).toBe(LoadStatus.HeaderMissing);
    expect(load(image(8194 - 16, makeHeader())).status).toBe(LoadStatus.HeaderMissing);
  });

  test("with a wrong checksum is none; a right one behind it is found", () => {
    const wrong = words(MULTIBOOT_MAGIC, 3, -(MULTIBOOT_MAGIC + 3) + 1);
    expect(load(image(1024, wrong)).status).toBe(LoadStatus.HeaderMissing);
    expect(load(image(1024, Buffer.concat([wrong, makeHeader()]))).status).toBe(LoadStatus.Done);
  });

  test("may ask for a video mode, which it does not get; what else is required is refused with its number", () => {
    expect(load(makeKernel(makeHeader(7))).status).toBe(LoadStatus.Done);
    expect(load(makeKernel(makeHeader(0x0803)))).toMatchObject({ status: LoadStatus.FlagUnsupported, detail: 11 });
    expect(load(makeKernel(makeHeader(0x20003))).status).toBe(LoadStatus.Done);
  });

  test("of an image that is shorter than a header is missing", () => {
    expect(load(Buffer.alloc(8)).status).toBe(LoadStatus.HeaderMissing);
  });
});

describe("address fields", () => {
  /** A flat image: 16 bytes, the header, then pattern; loaded to KERNEL. */
  const addressed = (changes: { header?: number; start?: number; loadEnd?: number; bssEnd?: number; entry?: number } = {}): Buffer => {
    const base = Number(KERNEL);
    const fields = { header: base + 16, start: base, loadEnd: 0, bssEnd: 0, entry: base + 0x40, ...changes };
    return Buffer.concat([pattern(16), makeHeader(0x10003, [fields.header, fields.start, fields.loadEnd, fields.bssEnd, fields.entry]), pattern(0x200)]);
  };
  const size = 16 + 32 + 0x200;

  test("load the whole file and zero the bss", () => {
    const { parts, status } = load(addressed({ bssEnd: Number(KERNEL) + 0x1000 }));
    expect(status).toBe(LoadStatus.Done);
    expect(parts.entry(EntryState.Rip)).toBe(KERNEL + 0x40n);
    expect(parts.ram.subarray(Number(KERNEL), Number(KERNEL) + 16).equals(pattern(16))).toBe(true);
    expect(parts.ram.subarray(Number(KERNEL) + size, Number(KERNEL) + 0x1000).every((byte) => byte === 0)).toBe(true);
    expect(parts.ram.readUInt8(Number(KERNEL) + 0x1000)).toBe(0xcc);
  });

  test("load a part that begins in the file and ends before its end", () => {
    const { parts, status } = load(addressed({ start: Number(KERNEL) + 8, loadEnd: Number(KERNEL) + 0x100 }));
    expect(status).toBe(LoadStatus.Done);
    expect(parts.ram.readUInt8(Number(KERNEL) + 7)).toBe(0xcc);
    expect(parts.ram.subarray(Number(KERNEL) + 8, Number(KERNEL) + 16).equals(pattern(16).subarray(8))).toBe(true);
    expect(parts.ram.readUInt8(Number(KERNEL) + 0x100)).toBe(0xcc);
  });

  test.each<[string, Buffer, LoadStatus]>([
    ["a header below its load address", addressed({ start: Number(KERNEL) + 17 }), LoadStatus.ImageMalformed],
    ["a header that lies earlier in the file than said", addressed({ header: Number(KERNEL) + 17 }), LoadStatus.ImageMalformed],
    ["a load end below the start", addressed({ loadEnd: Number(KERNEL) - 1 }), LoadStatus.ImageMalformed],
    ["a load end beyond the file", addressed({ loadEnd: Number(KERNEL) + size + 1 }), LoadStatus.ImageMalformed],
    ["a bss end before the load end", addressed({ bssEnd: Number(KERNEL) + size - 1 }), LoadStatus.ImageMalformed],
    ["a bss beyond the memory", addressed({ bssEnd: LOW_MEMORY + 1 }), LoadStatus.ImageTooLarge],
    ["an entry point behind it", addressed({ entry: Number(KERNEL) + size }), LoadStatus.EntryOutside],
    ["an entry point before it", addressed({ entry: Number(KERNEL) - 1 }), LoadStatus.EntryOutside],
    ["an address among the boot structures", addressed({ header: 0x95010, start: 0x95000, entry: 0x95040 }), LoadStatus.ImageTooLow],
    ["a header cut at the end of the file", addressed().subarray(0, 16 + 31), LoadStatus.ImageMalformed],
  ])("%s", (_name, image, status) => {
    expect(load(image).status).toBe(status);
  });
});

describe("segments", () => {
  const withSegment = (address: bigint, size: bigint): Buffer => makeKernel(makeHeader(), { segments: [{ type: LOAD, address, bytes: pattern(16), memorySize: size }] });

  test.each<[string, bigint, bigint, LoadStatus]>([
    ["below the boot structures", 0x8fff0n, 16n, LoadStatus.Done],
    ["among the boot structures", 0x8fff0n, 17n, LoadStatus.ImageTooLow],
    ["among the ACPI tables", 0xffff0n, 16n, LoadStatus.ImageTooLow],
    ["on the kernel", KERNEL + 8n, 16n, LoadStatus.SegmentsOverlap],
    ["around the kernel", KERNEL - 8n, 0x4000n, LoadStatus.SegmentsOverlap],
    ["next to the kernel", KERNEL - 16n, 16n, LoadStatus.Done],
    ["up to the end of memory", BigInt(LOW_MEMORY) - 16n, 16n, LoadStatus.Done],
    ["beyond the end of memory", BigInt(LOW_MEMORY) - 15n, 16n, LoadStatus.ImageTooLarge],
    ["to an end that wraps", 0xfffffff0n, 0xffffffffn, LoadStatus.ImageTooLarge],
  ])("one %s", (_name, address, size, status) => {
    expect(load(withSegment(address, size)).status).toBe(status);
  });
});

test("random damage never leads outside image or memory", () => {
  const random = new Random(0xb007n);
  const parts = new Parts(module, FUZZED_MEMORY);
  const statuses = new Set<LoadStatus>();
  for (let round = 0; round < 600; round++) {
    const bits = round & 1 ? 32 : 64;
    const addresses = round & 2 ? [0x200000, 0x200000, 0, 0, 0x200010] : [];
    const image = makeKernel(makeHeader(round & 2 ? 0x10003 : 3, addresses), { bits });
    const modules = bundle([pattern(100), "one"], [pattern(5000), "two"]);
    for (let i = 0; i <= random.below(4); i++) image.writeUInt8(random.below(256), random.below(160));
    if (round & 4) modules.writeUInt8(random.below(256), random.below(80));
    parts.images[0] = image;
    parts.images[1] = modules;
    statuses.add(parts.load(ImageKind.Multiboot));
    expect(parts.outOfBounds).toBe(0);
  }
  expect(statuses.has(LoadStatus.Done)).toBe(true);
  expect(statuses.size).toBeGreaterThan(4);
});
