import { beforeAll, describe, expect, test } from "vitest";
import { EntryMode, EntryState, ImageKind, LoadStatus } from "../../../../monitor/interface.ts";
import { FlatMode } from "../../../../monitor/loader/containers.ts";
import { makeFlat } from "../../../../scripts/policy/bundle.ts";
import { compileParts, LOW_MEMORY, Parts } from "../parts.ts";
import { pattern } from "./images.ts";

let module: WebAssembly.Module;

beforeAll(async () => {
  module = await compileParts();
}, 60_000);

function load(image: Buffer): { parts: Parts; status: LoadStatus } {
  const parts = new Parts(module);
  parts.images[0] = image;
  const status = parts.load(ImageKind.Flat);
  expect(parts.outOfBounds).toBe(0);
  return { parts, status };
}

const SIZE = 0x200;

function loadAt(address: number, entry: number, mode: FlatMode, size = SIZE): { parts: Parts; status: LoadStatus } {
  return load(makeFlat(pattern(size), address, entry, mode));
}

describe("is loaded to its address and entered", () => {
  test.each([
    ["real mode", FlatMode.Real, EntryMode.Real, 0x7c00],
    ["32-bit mode", FlatMode.Protected, EntryMode.Flat32, 0x200000],
    ["64-bit mode", FlatMode.Long, EntryMode.Long64, 0x200000],
  ])("in %s", (_name, mode, entered, address) => {
    const { parts, status } = loadAt(address, address + 5, mode);
    expect(status).toBe(LoadStatus.Done);
    expect(parts.entry(EntryState.Mode)).toBe(BigInt(entered));
    expect(parts.entry(EntryState.Rip)).toBe(BigInt(address + 5));
    expect(parts.ram.subarray(address, address + SIZE).equals(pattern(SIZE))).toBe(true);
    expect(parts.ram.readUInt8(address + SIZE)).toBe(0);
  });

  test("with nothing in its registers but what its mode needs", () => {
    const flat32 = loadAt(0x200000, 0x200000, FlatMode.Protected).parts;
    expect([EntryState.Rax, EntryState.Rbx, EntryState.Rsp, EntryState.Rsi, EntryState.Cr3, EntryState.GdtBase].map((field) => flat32.entry(field))).toEqual([0n, 0n, 0n, 0n, 0n, 0n]);
    const long = loadAt(0x200000, 0x200000, FlatMode.Long).parts;
    expect(long.entry(EntryState.Rsi)).toBe(0n);
    const pml4 = Number(long.entry(EntryState.Cr3));
    expect(long.ram.readUInt32LE(pml4) & 3).toBe(3);
    expect(long.ram.readBigUInt64LE(Number(long.entry(EntryState.GdtBase)) + 0x10)).toBe(0xaf9b000000ffffn);
  });
});

describe("is refused", () => {
  test.each<[string, Buffer, LoadStatus]>([
    ["without content", makeFlat(Buffer.alloc(0), 0x200000, 0x200000, FlatMode.Protected), LoadStatus.ImageMalformed],
    ["without its header", pattern(SIZE), LoadStatus.ImageMalformed],
    ["in a mode that is none", makeFlat(pattern(SIZE), 0x200000, 0x200000, 8 as FlatMode), LoadStatus.ImageUnsupported],
    ["beyond the memory", makeFlat(pattern(SIZE), LOW_MEMORY - SIZE + 1, LOW_MEMORY - SIZE + 1, FlatMode.Protected), LoadStatus.ImageTooLarge],
    ["where its end wraps", changedAddress(0xffffffffffffff00n), LoadStatus.ImageTooLarge],
    ["among the boot structures", makeFlat(pattern(SIZE), 0x8ff00, 0x8ff00, FlatMode.Real), LoadStatus.ImageTooLow],
    ["with an entry point before it", makeFlat(pattern(SIZE), 0x200000, 0x1fffff, FlatMode.Protected), LoadStatus.EntryOutside],
    ["with an entry point behind it", makeFlat(pattern(SIZE), 0x200000, 0x200000 + SIZE, FlatMode.Protected), LoadStatus.EntryOutside],
    ["with an entry point that real mode does not reach", makeFlat(pattern(SIZE), 0x100000, 0x100000, FlatMode.Real), LoadStatus.EntryOutside],
  ])("%s", (_name, image, status) => {
    expect(load(image).status).toBe(status);
  });
});

function changedAddress(address: bigint): Buffer {
  const image = makeFlat(pattern(SIZE), 0x200000, 0x200000, FlatMode.Protected);
  image.writeBigUInt64LE(address, 8);
  image.writeBigUInt64LE(address, 16);
  return image;
}
