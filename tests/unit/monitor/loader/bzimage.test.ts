import { beforeAll, describe, expect, test } from "vitest";
import { EntryMode, EntryState, ImageKind, LoadStatus, RSDP_ADDRESS } from "../../../../monitor/interface.ts";
import { Random } from "../decoder/native/random.ts";
import { compileParts, LOW_MEMORY, Parts } from "../parts.ts";
import { INIT_SIZE, KERNEL_ADDRESS, KERNEL_SIZE, makeBzImage, pattern, SETUP } from "./images.ts";

/** Bytes; a small partition, so that sizes and addresses often do not fit. */
const FUZZED_MEMORY = 24 << 20;

let module: WebAssembly.Module;

beforeAll(async () => {
  module = await compileParts();
}, 60_000);

function load(image: Buffer, options: { ramDisk?: Buffer; commandLine?: string; lowMemory?: number; highMemory?: bigint } = {}): { parts: Parts; status: LoadStatus } {
  const parts = new Parts(module, options.lowMemory ?? LOW_MEMORY);
  parts.configure(BigInt(parts.ram.length), options.highMemory ?? 0n, 1);
  parts.images[0] = image;
  parts.images[1] = options.ramDisk ?? Buffer.alloc(0);
  parts.images[2] = Buffer.from(options.commandLine ?? "");
  const status = parts.load(ImageKind.BzImage);
  expect(parts.outOfBounds).toBe(0);
  return { parts, status };
}

function changed(change: (image: Buffer) => void): Buffer {
  const image = makeBzImage();
  change(image);
  return image;
}

describe("a good image", () => {
  const ramDisk = pattern(0x1801);
  const commandLine = "console=ttyS0 quiet";
  const loaded = (): Parts => load(makeBzImage(), { ramDisk, commandLine, highMemory: 0x40000000n }).parts;
  const zeroPage = (parts: Parts): Buffer => parts.ram.subarray(Number(parts.entry(EntryState.Rsi)), Number(parts.entry(EntryState.Rsi)) + 4096);

  test("starts in 64-bit mode at 0x200 in the kernel", () => {
    const parts = loaded();
    expect(parts.entry(EntryState.Mode)).toBe(BigInt(EntryMode.Long64));
    expect(parts.entry(EntryState.Rip)).toBe(BigInt(KERNEL_ADDRESS + 0x200));
    expect(parts.ram.subarray(KERNEL_ADDRESS, KERNEL_ADDRESS + KERNEL_SIZE).equals(pattern(KERNEL_SIZE))).toBe(true);
  });

  test("gets its setup header, and nothing from behind it", () => {
    const page = zeroPage(loaded());
    expect(page.toString("latin1", SETUP.magic, SETUP.magic + 4)).toBe("HdrS");
    expect(page.readUInt8(SETUP.typeOfLoader)).toBe(0xff);
    expect(page.readUInt32LE(SETUP.code32Start)).toBe(KERNEL_ADDRESS);
    expect(page.readUInt32LE(0x26c)).toBe(0);
    expect(page.readBigUInt64LE(0x70)).toBe(BigInt(RSDP_ADDRESS));
  });

  test("gets the command line with a terminator", () => {
    const parts = loaded();
    const at = zeroPage(parts).readUInt32LE(SETUP.commandLinePointer);
    expect(parts.ram.toString("latin1", at, at + commandLine.length + 1)).toBe(`${commandLine}\0`);
  });

  test("gets the RAM disk at the top of low memory, on a page", () => {
    const parts = loaded();
    const at = zeroPage(parts).readUInt32LE(SETUP.ramDiskImage);
    expect(at).toBe(LOW_MEMORY - 0x2000);
    expect(zeroPage(parts).readUInt32LE(SETUP.ramDiskSize)).toBe(ramDisk.length);
    expect(parts.ram.subarray(at, at + ramDisk.length).equals(ramDisk)).toBe(true);
  });

  test("gets the memory map", () => {
    const page = zeroPage(loaded());
    expect(page.readUInt8(0x1e8)).toBe(4);
    const entries = [0, 1, 2, 3].map((entry) => 0x2d0 + entry * 20).map((at) => [page.readBigUInt64LE(at), page.readBigUInt64LE(at + 8), page.readUInt32LE(at + 16)]);
    expect(entries).toEqual([
      [0n, 0x9f000n, 1],
      [0x9f000n, 0x61000n, 2],
      [0x100000n, BigInt(LOW_MEMORY) - 0x100000n, 1],
      [0x100000000n, 0x40000000n, 1],
    ]);
  });

  test("gets an identity map of 4 GiB and the segments of the boot protocol", () => {
    const parts = loaded();
    const word = (at: bigint): bigint => parts.ram.readBigUInt64LE(Number(at));
    const address = 0x000ffffffffff000n;
    const pml4 = parts.entry(EntryState.Cr3);
    for (let page = 0n; page < 2048n; page++) {
      const directory = word((word(pml4) & address) + (page >> 9n) * 8n) & address;
      expect(word(directory + (page & 511n) * 8n)).toBe((page << 21n) | 0xe3n);
    }
    expect(word((word(pml4) & address) + 32n)).toBe(0n);
    const gdt = parts.entry(EntryState.GdtBase);
    expect([word(gdt), word(gdt + 8n), word(gdt + 16n), word(gdt + 24n)]).toEqual([0n, 0n, 0xaf9b000000ffffn, 0xcf93000000ffffn]);
  });

  test("is loaded without RAM disk and command line", () => {
    const { parts, status } = load(makeBzImage());
    expect(status).toBe(LoadStatus.Done);
    expect(zeroPage(parts).readUInt32LE(SETUP.ramDiskImage)).toBe(0);
    expect(zeroPage(parts).readUInt8(0x1e8)).toBe(3);
  });

  test("keeps the RAM disk below the address that it names", () => {
    const image = changed((bytes) => bytes.writeUInt32LE(0x1ffffff, SETUP.ramDiskMaximum));
    expect(zeroPage(load(image, { ramDisk }).parts).readUInt32LE(SETUP.ramDiskImage)).toBe(0x2000000 - 0x2000);
  });

  test("may have 0 setup sectors, which means 4", () => {
    const image = makeBzImage();
    image.writeUInt8(0, SETUP.sectors);
    const { parts, status } = load(Buffer.concat([image.subarray(0, 2048), Buffer.alloc(512), image.subarray(2048)]));
    expect(status).toBe(LoadStatus.Done);
    expect(parts.ram.subarray(KERNEL_ADDRESS, KERNEL_ADDRESS + 16).equals(pattern(16))).toBe(true);
  });
});

describe("a bad image", () => {
  test.each<[string, Buffer, LoadStatus]>([
    ["missing", Buffer.alloc(0), LoadStatus.ImageMissing],
    ["one byte", Buffer.alloc(1), LoadStatus.ImageMalformed],
    ["cut in the header", makeBzImage().subarray(0, 0x250), LoadStatus.ImageMalformed],
    ["cut before the kernel", makeBzImage().subarray(0, 2048 + 0x200), LoadStatus.ImageMalformed],
    ["no boot flag", changed((image) => image.writeUInt16LE(0, SETUP.bootFlag)), LoadStatus.ImageMalformed],
    ["no magic", changed((image) => image.write("hDRs", SETUP.magic)), LoadStatus.ImageMalformed],
    ["an old protocol", changed((image) => image.writeUInt16LE(0x20b, SETUP.version)), LoadStatus.ImageUnsupported],
    ["a short header", changed((image) => image.writeUInt8(0x40, SETUP.headerLength)), LoadStatus.ImageMalformed],
    ["a zImage", changed((image) => image.writeUInt8(0, SETUP.loadFlags)), LoadStatus.ImageUnsupported],
    ["a 32-bit kernel", changed((image) => image.writeUInt16LE(0x3e, SETUP.extendedFlags)), LoadStatus.ImageUnsupported],
    ["more setup sectors than the file has", changed((image) => image.writeUInt8(200, SETUP.sectors)), LoadStatus.ImageMalformed],
    ["a kernel longer than init_size", changed((image) => image.writeUInt32LE(KERNEL_SIZE - 1, SETUP.initSize)), LoadStatus.ImageMalformed],
    ["an address below 1 MiB", changed((image) => image.writeBigUInt64LE(0x10000n, SETUP.preferredAddress)), LoadStatus.ImageTooLow],
    ["an address above the memory", changed((image) => image.writeBigUInt64LE(BigInt(LOW_MEMORY), SETUP.preferredAddress)), LoadStatus.ImageTooLarge],
    ["an address that wraps", changed((image) => image.writeBigUInt64LE(0xfffffffffffff000n, SETUP.preferredAddress)), LoadStatus.ImageTooLarge],
    ["an init_size above the memory", changed((image) => image.writeUInt32LE(0xffffffff, SETUP.initSize)), LoadStatus.ImageTooLarge],
  ])("%s", (_name, image, status) => {
    expect(load(image).status).toBe(status);
  });

  test("random damage never leads outside image or memory", () => {
    const random = new Random(0xc0ffeen);
    const parts = new Parts(module, FUZZED_MEMORY);
    parts.images[1] = pattern(100);
    for (let round = 0; round < 300; round++) {
      const image = makeBzImage();
      for (let i = 0; i <= random.below(4); i++) image.writeUInt8(random.below(256), 0x1f1 + random.below(0x7b));
      parts.images[0] = image;
      expect(parts.load(ImageKind.BzImage)).toBeLessThanOrEqual(LoadStatus.ImageTooLow);
      expect(parts.outOfBounds).toBe(0);
    }
  });
});

describe("limits", () => {
  test("a RAM disk that fills memory down to the kernel is loaded, a byte more is not", () => {
    const room = LOW_MEMORY - KERNEL_ADDRESS - INIT_SIZE;
    expect(load(makeBzImage(), { ramDisk: Buffer.alloc(room) }).status).toBe(LoadStatus.Done);
    expect(load(makeBzImage(), { ramDisk: Buffer.alloc(room + 1) }).status).toBe(LoadStatus.InitialRamDiskTooLarge);
    expect(load(makeBzImage(), { ramDisk: Buffer.alloc(LOW_MEMORY + 1) }).status).toBe(LoadStatus.InitialRamDiskTooLarge);
  });

  test("a command line as long as the kernel takes is loaded, a byte more is not", () => {
    expect(load(makeBzImage(), { commandLine: "x".repeat(2047) }).status).toBe(LoadStatus.Done);
    expect(load(makeBzImage(), { commandLine: "x".repeat(2048) }).status).toBe(LoadStatus.CommandLineTooLong);
    const greedy = changed((image) => image.writeUInt32LE(0xffffffff, SETUP.commandLineSize));
    expect(load(greedy, { commandLine: "x".repeat(0x4000) }).status).toBe(LoadStatus.CommandLineTooLong);
  });

  test("a partition of 1 MiB is too small", () => {
    expect(load(makeBzImage(), { lowMemory: 1 << 20 }).status).toBe(LoadStatus.ImageTooLarge);
  });

  test("an unknown kind of image is refused", () => {
    const parts = new Parts(module);
    parts.images[0] = makeBzImage();
    expect(parts.load(99 as ImageKind)).toBe(LoadStatus.ImageUnsupported);
  });
});
