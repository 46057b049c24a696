import { beforeAll, describe, expect, test } from "vitest";
import { EntryMode, EntryState, ImageKind, LoadStatus, RSDP_ADDRESS } from "../../../../monitor/interface.ts";
import { Random } from "../decoder/native/random.ts";
import { compileParts, LOW_MEMORY, Parts } from "../parts.ts";
import { ELF32, ELF64, ENTRY, entryNote, exampleSegments, LOAD, makeElf, makeNote, NOTE, pattern, type Segment } from "./images.ts";

/** Bytes; a small partition, so that sizes and addresses often do not fit. */
const FUZZED_MEMORY = 24 << 20;

let module: WebAssembly.Module;

beforeAll(async () => {
  module = await compileParts();
}, 60_000);

function load(image: Buffer, options: { ramDisk?: Buffer; commandLine?: string; highMemory?: bigint; garbage?: boolean } = {}): { parts: Parts; status: LoadStatus } {
  const parts = new Parts(module);
  parts.configure(BigInt(parts.ram.length), options.highMemory ?? 0n, 1);
  if (options.garbage === true) parts.ram.fill(0xcc, 0x100000);
  parts.images[0] = image;
  parts.images[1] = options.ramDisk ?? Buffer.alloc(0);
  parts.images[2] = Buffer.from(options.commandLine ?? "");
  const status = parts.load(ImageKind.Pvh);
  expect(parts.outOfBounds).toBe(0);
  return { parts, status };
}

/** The example's segments with one replaced or added. */
function withSegment(segment: Segment): Buffer {
  return makeElf([segment, ...exampleSegments()]);
}

function withNotes(notes: Buffer): Buffer {
  return makeElf([...exampleSegments().filter((segment) => segment.type !== NOTE), { type: NOTE, address: 0n, bytes: notes }]);
}

function changed(change: (image: Buffer) => void, bits: 32 | 64 = 64): Buffer {
  const image = makeElf(exampleSegments(), bits);
  change(image);
  return image;
}

/** Value of the note that names the entry point, at the end of makeElf()'s file. */
const ENTRY_FROM_END = 8;

describe.each([64, 32] as const)("a good %i-bit image", (bits) => {
  const ramDisk = pattern(0x2345);
  const loaded = (): Parts => load(makeElf(exampleSegments(), bits), { ramDisk, commandLine: "ticks=5", highMemory: 0x200000n, garbage: true }).parts;
  const startInfo = (parts: Parts): Buffer => parts.ram.subarray(Number(parts.entry(EntryState.Rbx)));

  test("starts in 32-bit mode at its entry point", () => {
    const parts = loaded();
    expect(parts.entry(EntryState.Mode)).toBe(BigInt(EntryMode.Flat32));
    expect(parts.entry(EntryState.Rip)).toBe(ENTRY);
  });

  test("has its segments in place and zeros behind them", () => {
    const { ram } = loaded();
    expect(ram.subarray(0x200000, 0x201234).equals(pattern(0x1234))).toBe(true);
    expect(ram.subarray(0x201234, 0x203000).every((byte) => byte === 0)).toBe(true);
    expect(ram.readUInt8(0x203000)).toBe(0xcc);
    expect(ram.subarray(0x400000, 0x400100).equals(pattern(0x100))).toBe(true);
    expect(ram.subarray(0x500000, 0x501000).every((byte) => byte === 0)).toBe(true);
  });

  test("gets hvm_start_info with command line, module and RSDP", () => {
    const parts = loaded();
    const info = startInfo(parts);
    expect(info.readUInt32LE(0)).toBe(0x336ec578);
    expect(info.readUInt32LE(4)).toBe(1);
    expect(info.readUInt32LE(12)).toBe(1);
    expect(info.readBigUInt64LE(32)).toBe(BigInt(RSDP_ADDRESS));
    const commandLine = Number(info.readBigUInt64LE(24));
    expect(parts.ram.toString("latin1", commandLine, commandLine + 8)).toBe("ticks=5\0");
    const module = Number(info.readBigUInt64LE(16));
    const ramDiskAddress = Number(parts.ram.readBigUInt64LE(module));
    expect(parts.ram.readBigUInt64LE(module + 8)).toBe(BigInt(ramDisk.length));
    expect(ramDiskAddress).toBe(LOW_MEMORY - 0x3000);
    expect(parts.ram.subarray(ramDiskAddress, ramDiskAddress + ramDisk.length).equals(ramDisk)).toBe(true);
  });

  test("gets the memory map", () => {
    const parts = loaded();
    const info = startInfo(parts);
    expect(info.readUInt32LE(48)).toBe(4);
    const map = parts.ram.subarray(Number(info.readBigUInt64LE(40)));
    const entries = [0, 24, 48, 72].map((at) => [map.readBigUInt64LE(at), map.readBigUInt64LE(at + 8), map.readUInt32LE(at + 16)]);
    expect(entries).toEqual([
      [0n, 0x9f000n, 1],
      [0x9f000n, 0x61000n, 2],
      [0x100000n, BigInt(LOW_MEMORY) - 0x100000n, 1],
      [0x100000000n, 0x200000n, 1],
    ]);
  });
});

test("an entry point of 4 bytes and no RAM disk", () => {
  const { parts, status } = load(withNotes(entryNote(ENTRY, 4)));
  expect(status).toBe(LoadStatus.Done);
  expect(parts.entry(EntryState.Rip)).toBe(ENTRY);
  expect(parts.ram.readUInt32LE(Number(parts.entry(EntryState.Rbx)) + 12)).toBe(0);
});

describe("a bad image", () => {
  const segment = (address: bigint, memorySize: bigint): Buffer => withSegment({ type: LOAD, address, bytes: pattern(16), memorySize });
  const programHeader = ELF64.headerSize;

  test.each<[string, Buffer, LoadStatus]>([
    ["missing", Buffer.alloc(0), LoadStatus.ImageMissing],
    ["cut in the header", makeElf().subarray(0, 40), LoadStatus.ImageMalformed],
    ["no magic", changed((image) => image.writeUInt8(0, 0)), LoadStatus.ImageMalformed],
    ["an unknown class", changed((image) => image.writeUInt8(3, 4)), LoadStatus.ImageMalformed],
    ["big-endian", changed((image) => image.writeUInt8(2, 5)), LoadStatus.ImageUnsupported],
    ["for another machine", changed((image) => image.writeUInt16LE(183, 0x12)), LoadStatus.ImageUnsupported],
    ["not an executable", changed((image) => image.writeUInt16LE(1, 0x10)), LoadStatus.ImageUnsupported],
    ["no program headers", changed((image) => image.writeUInt16LE(0, ELF64.entryCount)), LoadStatus.ImageMalformed],
    ["too many program headers", changed((image) => image.writeUInt16LE(0xffff, ELF64.entryCount)), LoadStatus.ImageMalformed],
    ["more program headers than the file has", changed((image) => image.writeUInt16LE(250, ELF64.entryCount)), LoadStatus.ImageMalformed],
    ["program headers that are too short", changed((image) => image.writeUInt16LE(55, ELF64.entrySize)), LoadStatus.ImageMalformed],
    ["program headers outside the file", changed((image) => image.writeBigUInt64LE(0xfffffffffffffff0n, ELF64.programHeaders)), LoadStatus.ImageMalformed],
    ["32-bit program headers outside the file", changed((image) => image.writeUInt32LE(0xfffffff0, ELF32.programHeaders), 32), LoadStatus.ImageMalformed],
    ["a segment outside the file", changed((image) => image.writeBigUInt64LE(0x10000n, programHeader + 8)), LoadStatus.ImageMalformed],
    ["a segment whose end in the file wraps", changed((image) => image.writeBigUInt64LE(0xffffffffffffff00n, programHeader + 8)), LoadStatus.ImageMalformed],
    ["a segment smaller in memory than in the file", segment(0x600000n, 15n), LoadStatus.ImageMalformed],
    ["a segment among the boot structures", segment(0x98000n, 16n), LoadStatus.ImageTooLow],
    ["a segment that reaches up to the boot structures", segment(0x8fff0n, 17n), LoadStatus.ImageTooLow],
    ["a segment that begins among the ACPI tables", segment(0xfffffn, 16n), LoadStatus.ImageTooLow],
    ["a segment in another one", segment(0x200800n, 16n), LoadStatus.SegmentsOverlap],
    ["a segment around another one", segment(0x3ff000n, 0x2000n), LoadStatus.SegmentsOverlap],
    ["a segment that ends above the memory", segment(BigInt(LOW_MEMORY) - 16n, 17n), LoadStatus.ImageTooLarge],
    ["a segment whose end wraps", segment(0x600000n, 0xffffffffffffffffn), LoadStatus.ImageTooLarge],
    ["no note", makeElf(exampleSegments().slice(0, 3)), LoadStatus.ImageUnsupported],
    ["no Xen note", withNotes(makeNote("GNU", 18, Buffer.alloc(8))), LoadStatus.ImageUnsupported],
    ["a Xen note without the entry point", withNotes(makeNote("Xen", 6, Buffer.alloc(8))), LoadStatus.ImageUnsupported],
    ["an entry point of 2 bytes", withNotes(makeNote("Xen", 18, Buffer.alloc(2))), LoadStatus.ImageUnsupported],
    ["a cut note", withNotes(entryNote().subarray(0, -ENTRY_FROM_END)), LoadStatus.ImageUnsupported],
    ["a note of absurd size", withNotes(Buffer.alloc(64, 0xff)), LoadStatus.ImageUnsupported],
    ["too many notes", withNotes(Buffer.alloc(0x10001)), LoadStatus.ImageMalformed],
    ["an entry point outside the image", withNotes(entryNote(0x700000n)), LoadStatus.EntryOutside],
    ["an entry point above 4 GiB", withNotes(entryNote(0x100200010n)), LoadStatus.EntryOutside],
    ["an entry point that only a virtual address explains", withNotes(entryNote(ENTRY | 0xffffffff80000000n)), LoadStatus.EntryOutside],
  ])("%s", (_name, image, status) => {
    expect(load(image).status).toBe(status);
  });

  test("random damage never leads outside image or memory", () => {
    const random = new Random(0xfacaden);
    const parts = new Parts(module, FUZZED_MEMORY);
    parts.images[1] = pattern(100);
    for (let round = 0; round < 300; round++) {
      const image = makeElf(exampleSegments(), round & 1 ? 32 : 64);
      for (let i = 0; i <= random.below(4); i++) image.writeUInt8(random.below(256), random.below(64 + 4 * 56));
      parts.images[0] = image;
      expect(parts.load(ImageKind.Pvh)).toBeLessThanOrEqual(LoadStatus.EntryOutside);
      expect(parts.outOfBounds).toBe(0);
    }
  });
});

test("a segment below the boot structures is loaded", () => {
  const { parts, status } = load(withSegment({ type: LOAD, address: 0x8fff0n, bytes: pattern(16) }));
  expect(status).toBe(LoadStatus.Done);
  expect(parts.ram.subarray(0x8fff0, 0x90000).equals(pattern(16))).toBe(true);
});

test("a RAM disk that reaches the image is too large", () => {
  const room = LOW_MEMORY - 0x501000;
  expect(load(makeElf(), { ramDisk: Buffer.alloc(room) }).status).toBe(LoadStatus.Done);
  expect(load(makeElf(), { ramDisk: Buffer.alloc(room + 1) }).status).toBe(LoadStatus.InitialRamDiskTooLarge);
});
