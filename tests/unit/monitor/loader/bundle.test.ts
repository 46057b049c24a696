import { beforeAll, describe, expect, test } from "vitest";
import { ImageKind, LoadStatus } from "../../../../monitor/interface.ts";
import { compileParts, LOW_MEMORY } from "../parts.ts";
import { pattern } from "./images.ts";
import { bundle, KERNEL, makeHeader, makeKernel } from "./multiboot-images.ts";
import { information, loadKernel, type Loaded, type Options } from "./multiboot-load.ts";

const PAGE = 4096;

let module: WebAssembly.Module;

beforeAll(async () => {
  module = await compileParts();
}, 60_000);

function load(image: Buffer, options: Options = {}): Loaded {
  return loadKernel(module, ImageKind.Multiboot, image, options);
}

describe("modules", () => {
  const image = makeKernel(makeHeader());
  const room = Math.floor((LOW_MEMORY - Number(KERNEL) - 12 - 0x1100) / PAGE) * PAGE;
  const damaged = (change: (bytes: Buffer) => void): Buffer => {
    const bytes = bundle([pattern(100), "text"]);
    change(bytes);
    return bytes;
  };

  test("that fill memory down to the image are loaded, a byte more is not", () => {
    expect(load(image, { modules: bundle([Buffer.alloc(room), ""]) }).status).toBe(LoadStatus.Done);
    expect(load(image, { modules: bundle([Buffer.alloc(room), ""], [Buffer.alloc(1), ""]) }).status).toBe(LoadStatus.InitialRamDiskTooLarge);
  });

  test("of no length are given as empty ones", () => {
    const { parts, status } = load(image, { modules: bundle([Buffer.alloc(0), "empty"]) });
    expect(status).toBe(LoadStatus.Done);
    const table = parts.ram.subarray(information(parts).readUInt32LE(24));
    expect(table.readUInt32LE(0)).toBe(table.readUInt32LE(4));
  });

  test("up to 32 with 255 characters each and the longest command line fit what the loader tells", () => {
    const modules = bundle(...Array.from({ length: 32 }, (): [Buffer, string] => [pattern(1), "x".repeat(255)]));
    expect(load(image, { modules, commandLine: "y".repeat(2047) }).status).toBe(LoadStatus.Done);
  });

  test("a command line that leaves no room is refused", () => {
    expect(load(image, { commandLine: "y".repeat(0x7000) }).status).toBe(LoadStatus.CommandLineTooLong);
    expect(load(image, { modules: bundle([pattern(1), "x".repeat(0x7000)]) }).status).toBe(LoadStatus.CommandLineTooLong);
  });

  test.each<[string, Buffer]>([
    ["without a magic number", damaged((bytes) => bytes.writeUInt32LE(0, 0))],
    ["too many", damaged((bytes) => bytes.writeUInt32LE(33, 4))],
    ["more than the file has", damaged((bytes) => bytes.writeUInt32LE(32, 4))],
    ["cut", bundle().subarray(0, 15)],
    ["outside the file", damaged((bytes) => bytes.writeBigUInt64LE(1n << 40n, 16))],
    ["whose end wraps", damaged((bytes) => bytes.writeBigUInt64LE(0xffffffffffffffffn, 24))],
    ["with a command line outside the file", damaged((bytes) => bytes.writeBigUInt64LE(0xffffffffffffffffn, 32))],
  ])("a bundle %s is malformed", (_name, modules) => {
    expect(load(image, { modules }).status).toBe(LoadStatus.ModulesMalformed);
  });
});
