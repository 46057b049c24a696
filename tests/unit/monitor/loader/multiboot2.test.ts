import { beforeAll, describe, expect, test } from "vitest";
import { EntryMode, EntryState, ImageKind, LoadStatus, RSDP_ADDRESS } from "../../../../monitor/interface.ts";
import { Random } from "../decoder/native/random.ts";
import { compileParts, LOW_MEMORY, Parts } from "../parts.ts";
import { LOAD, pattern } from "./images.ts";
import { bundle, ENTRY, KERNEL, makeHeader2, makeKernel, MULTIBOOT2_MAGIC, words, type Tag } from "./multiboot-images.ts";
import { loadKernel, tags, type Loaded, type Options } from "./multiboot-load.ts";

/** Bytes; a small partition, so that sizes and addresses often do not fit. */
const FUZZED_MEMORY = 24 << 20;
const PAGE = 4096;
const REQUEST = 1;
const ADDRESS = 2;
const ENTRY_ADDRESS = 3;
const CONSOLE = 4;
const RELOCATABLE = 10;

let module: WebAssembly.Module;

beforeAll(async () => {
  module = await compileParts();
}, 60_000);

function load(image: Buffer, options: Options = {}): Loaded {
  return loadKernel(module, ImageKind.Multiboot2, image, options);
}

function withTags(...list: Tag[]): Buffer {
  return makeKernel(makeHeader2(list));
}

describe.each([32, 64] as const)("a good ELF%i image", (bits) => {
  const options: Options = { modules: bundle([pattern(PAGE + 1), "first one"], [Buffer.from("two"), ""]), commandLine: "a=b c", highMemory: 0x200000n };
  const loaded = (): Parts => load(makeKernel(makeHeader2(), { bits }), options).parts;

  test("starts in 32-bit mode with the loader's magic number", () => {
    const parts = loaded();
    expect(parts.entry(EntryState.Mode)).toBe(BigInt(EntryMode.Flat32));
    expect(parts.entry(EntryState.Rip)).toBe(BigInt(ENTRY));
    expect(parts.entry(EntryState.Rax)).toBe(0x36d76289n);
    expect(parts.ram.readUInt32LE(Number(KERNEL))).toBe(MULTIBOOT2_MAGIC);
  });

  test("is told command line, loader and memory", () => {
    const given = tags(loaded());
    expect(given.get(1)!.map(String)).toEqual(["a=b c\0"]);
    expect(given.get(2)!.map(String)).toEqual(["Bulkhead\0"]);
    expect(given.get(4)).toEqual([words(636, LOW_MEMORY / 1024 - 1024)]);
    const map = given.get(6)![0]!;
    expect([map.readUInt32LE(0), map.readUInt32LE(4), map.length]).toEqual([24, 0, 8 + 4 * 24]);
    const entries = [8, 32, 56, 80].map((at) => [map.readBigUInt64LE(at), map.readBigUInt64LE(at + 8), map.readBigUInt64LE(at + 16)]);
    expect(entries).toEqual([
      [0n, 0x9f000n, 1n],
      [0x9f000n, 0x61000n, 2n],
      [0x100000n, BigInt(LOW_MEMORY) - 0x100000n, 1n],
      [0x100000000n, 0x200000n, 1n],
    ]);
  });

  test("gets its modules", () => {
    const given = tags(loaded()).get(3)!;
    expect(given.map((tag) => String(tag.subarray(8)))).toEqual(["first one\0", "\0"]);
    expect(given.map((tag) => [tag.readUInt32LE(0), tag.readUInt32LE(4)])).toEqual([
      [LOW_MEMORY - 3 * PAGE, LOW_MEMORY - 3 * PAGE + PAGE + 1],
      [LOW_MEMORY - PAGE, LOW_MEMORY - PAGE + 3],
    ]);
  });

  test("gets copies of the RSDP", () => {
    const parts = loaded();
    const root = parts.ram.subarray(Number(RSDP_ADDRESS), Number(RSDP_ADDRESS) + 36);
    expect(root.toString("latin1", 0, 8)).toBe("RSD PTR ");
    expect(tags(parts).get(14)).toEqual([root.subarray(0, 20)]);
    expect(tags(parts).get(15)).toEqual([root]);
  });

  test("gets no sections and no load base that it did not ask for", () => {
    expect([...tags(loaded()).keys()].sort((left, right) => left - right)).toEqual([0, 1, 2, 3, 4, 6, 14, 15]);
  });
});

describe("tags of the header", () => {
  test("an entry point is taken instead of the ELF header's", () => {
    expect(load(withTags({ type: ENTRY_ADDRESS, content: [ENTRY + 16] })).parts.entry(EntryState.Rip)).toBe(BigInt(ENTRY + 16));
    expect(load(withTags({ type: ENTRY_ADDRESS, content: [ENTRY + 0x10000] })).status).toBe(LoadStatus.EntryOutside);
  });

  describe("a relocatable image", () => {
    const relocatable = (lowest: number, highest: number, alignment = PAGE): Tag => ({ type: RELOCATABLE, content: [lowest, highest, alignment, 0] });
    const linked = Number(KERNEL);
    const moves: [string, Tag, number][] = [
      ["that may lie there", relocatable(0, 0xffffffff), linked],
      ["that may not lie so low", relocatable(linked + 0x1800, 0xffffffff), linked + 0x2000],
      ["that may not lie so low, without alignment", relocatable(linked + 0x1801, 0xffffffff, 0), linked + 0x1801],
    ];

    test.each(moves)("%s", (_name, tag, base) => {
      const { parts, status } = load(withTags(tag));
      expect(status).toBe(LoadStatus.Done);
      expect(parts.entry(EntryState.Rip)).toBe(BigInt(ENTRY - linked + base));
      expect(parts.ram.readUInt32LE(base)).toBe(MULTIBOOT2_MAGIC);
      expect(tags(parts).get(21)).toEqual([words(base)]);
    });

    test("linked above the memory goes to 1 MiB, which its address fields follow", () => {
      const address: Tag = { type: ADDRESS, content: [0xb0000000, 0xb0000000, 0, 0xb0001000] };
      const image = Buffer.concat([makeHeader2([address, { type: ENTRY_ADDRESS, content: [0xb0000060] }, relocatable(0, 0xffffffff)]), pattern(0x200)]);
      const { parts, status } = load(image);
      expect(status).toBe(LoadStatus.Done);
      expect(parts.entry(EntryState.Rip)).toBe(0x10_0060n);
      expect(parts.ram.readUInt32LE(0x10_0000)).toBe(MULTIBOOT2_MAGIC);
    });

    test.each([
      ["where there is no memory", relocatable(0x9000_0000, 0xffffffff), LoadStatus.ImageTooLarge],
      ["in a range that it does not fit", relocatable(linked + PAGE, linked + PAGE + 16), LoadStatus.ImageTooLarge],
      ["in a range below its address that is too small", relocatable(0, 0x10_0010), LoadStatus.ImageTooLarge],
      ["at an alignment that is none", relocatable(0, 0xffffffff, 3), LoadStatus.ImageMalformed],
    ])("%s is refused", (_name, tag, status) => {
      expect(load(withTags(tag)).status).toBe(status);
    });
  });

  test("a relocatable image is loaded where it was linked and told so", () => {
    const { parts, status } = load(withTags({ type: RELOCATABLE, content: [0, 0xffffffff, PAGE, 0] }));
    expect(status).toBe(LoadStatus.Done);
    expect(tags(parts).get(21)).toEqual([words(Number(KERNEL))]);
  });

  test.each<[string, Tag, LoadStatus, number]>([
    ["unknown and required", { type: 0x4242 }, LoadStatus.TagUnsupported, 0x4242],
    ["unknown and optional", { type: 0x4242, optional: true }, LoadStatus.Done, 0],
    ["a console required", { type: CONSOLE, content: [1] }, LoadStatus.TagUnsupported, CONSOLE],
    ["a console wished for", { type: CONSOLE, content: [2] }, LoadStatus.Done, 0],
    ["a framebuffer", { type: 5, content: [1024, 768, 32] }, LoadStatus.Done, 0],
    ["module alignment", { type: 6 }, LoadStatus.Done, 0],
    ["EFI boot services", { type: 7 }, LoadStatus.Done, 0],
    ["an EFI entry point", { type: 9, content: [ENTRY] }, LoadStatus.Done, 0],
    ["information that is given", { type: REQUEST, content: [1, 2, 3, 4, 6, 9, 14, 15, 21] }, LoadStatus.Done, 0],
    ["a framebuffer's information, required", { type: REQUEST, content: [4, 8] }, LoadStatus.RequestUnsupported, 8],
    ["information of a number that is too large, required", { type: REQUEST, content: [0x20 + 4] }, LoadStatus.RequestUnsupported, 0x24],
    ["a framebuffer's information, optional", { type: REQUEST, optional: true, content: [4, 8] }, LoadStatus.Done, 0],
    ["shorter than a tag", { type: REQUEST, size: 7 }, LoadStatus.ImageMalformed, 0],
    ["longer than the header", { type: 6, size: 0xffffffff }, LoadStatus.ImageMalformed, 0],
    ["an entry point without a number", { type: ENTRY_ADDRESS }, LoadStatus.ImageMalformed, 0],
    ["addresses that are cut", { type: ADDRESS, content: [1, 2, 3] }, LoadStatus.ImageMalformed, 0],
  ])("%s", (_name, tag, status, detail) => {
    expect(load(withTags(tag))).toMatchObject({ status, detail });
  });

  test("without an end tag are malformed", () => {
    const header = makeHeader2([{ type: 6 }]);
    header.writeUInt16LE(6, header.length - 8);
    expect(load(makeKernel(header)).status).toBe(LoadStatus.ImageMalformed);
  });
});

describe("the header", () => {
  const image = (at: number, header: Buffer): Buffer => {
    const bytes = makeKernel(Buffer.alloc(34_000));
    header.copy(bytes, at);
    return bytes;
  };

  test("is found up to its last place in the first 32 KiB, and no further", () => {
    const header = makeHeader2();
    expect(load(image(32768 - header.length, header)).status).toBe(LoadStatus.Done);
    expect(load(image(32768 - header.length + 8, header)).status).toBe(LoadStatus.HeaderMissing);
    expect(load(image(1028, header)).status).toBe(LoadStatus.HeaderMissing);
  });

  test("for MIPS, or with a wrong checksum, is none", () => {
    expect(load(image(1024, makeHeader2([], 4))).status).toBe(LoadStatus.HeaderMissing);
    const wrong = makeHeader2();
    wrong.writeUInt32LE(wrong.readUInt32LE(12) + 1, 12);
    expect(load(image(1024, wrong)).status).toBe(LoadStatus.HeaderMissing);
    expect(load(Buffer.alloc(15)).status).toBe(LoadStatus.HeaderMissing);
  });
});

describe("address fields", () => {
  const base = Number(KERNEL);
  const addressed = (list: Tag[]): Buffer => Buffer.concat([makeHeader2(list), pattern(0x200)]);
  const address: Tag = { type: ADDRESS, content: [base, base, 0, base + 0x1000] };

  test("load an image without ELF headers", () => {
    const { parts, status } = load(addressed([address, { type: ENTRY_ADDRESS, content: [base + 0x60] }]));
    expect(status).toBe(LoadStatus.Done);
    expect(parts.entry(EntryState.Rip)).toBe(BigInt(base + 0x60));
    expect(parts.ram.readUInt32LE(base)).toBe(MULTIBOOT2_MAGIC);
  });

  test("need an entry point in them", () => {
    expect(load(addressed([address])).status).toBe(LoadStatus.EntryOutside);
    expect(load(addressed([address, { type: ENTRY_ADDRESS, content: [base + 0x1000] }])).status).toBe(LoadStatus.EntryOutside);
  });
});

test("segments that overlap are refused", () => {
  expect(load(makeKernel(makeHeader2(), { segments: [{ type: LOAD, address: KERNEL, bytes: pattern(1) }] })).status).toBe(LoadStatus.SegmentsOverlap);
});

test("texts that leave no room are refused", () => {
  const image = makeKernel(makeHeader2([{ type: RELOCATABLE, content: [0, 0xffffffff, PAGE, 0] }]));
  const lengths = Array.from({ length: 40 }, (_, index) => 0x6ec0 + index * 8);
  const results = lengths.map((length) => load(image, { commandLine: "y".repeat(length) }).status);
  const fitting = results.indexOf(LoadStatus.CommandLineTooLong);
  expect(fitting).toBeGreaterThan(0);
  expect(results).toEqual(lengths.map((_, index) => (index < fitting ? LoadStatus.Done : LoadStatus.CommandLineTooLong)));
  const modules = bundle(...Array.from({ length: 32 }, (): [Buffer, string] => [pattern(1), "x".repeat(255)]));
  expect(load(withTags(), { modules, commandLine: "y".repeat(2047) }).status).toBe(LoadStatus.Done);
});

test("random damage never leads outside image or memory", () => {
  const random = new Random(0xb0071n);
  const parts = new Parts(module, FUZZED_MEMORY);
  const statuses = new Set<LoadStatus>();
  const list: Tag[] = [{ type: REQUEST, content: [1, 6, 9] }, { type: ENTRY_ADDRESS, content: [ENTRY] }, { type: RELOCATABLE, content: [0, 0xffffffff, PAGE, 0] }];
  for (let round = 0; round < 600; round++) {
    const image = makeKernel(makeHeader2(list), { bits: round & 1 ? 32 : 64 });
    for (let i = 0; i <= random.below(4); i++) image.writeUInt8(random.below(256), random.below(240));
    parts.images[0] = image;
    parts.images[1] = bundle([pattern(100), "one"]);
    statuses.add(parts.load(ImageKind.Multiboot2));
    expect(parts.outOfBounds).toBe(0);
  }
  expect(statuses.has(LoadStatus.Done)).toBe(true);
  expect(statuses.size).toBeGreaterThan(4);
});
