import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PolicyHeader, PolicyPartition } from "../../../kernel/policy/layout.ts";
import { ImageKind } from "../../../monitor/interface.ts";
import { Bundle, BundleRecord, Flat, FlatMode } from "../../../monitor/loader/containers.ts";
import { UserError } from "../../../scripts/error.ts";
import { compileDescription, type CompiledSystem } from "../../../scripts/policy/compile.ts";
import { flat, multiboot, multiboot2, pvh, type SystemDescription } from "../../../scripts/policy/language.ts";
import { checkDescription } from "../../../scripts/policy/load.ts";
import { entryNote, exampleSegments, LOAD, makeElf, makeNote, NOTE, pattern, type Segment } from "../monitor/loader/images.ts";
import { makeHeader, makeHeader2, makeKernel } from "../monitor/loader/multiboot-images.ts";

type Image = SystemDescription["partitions"][number]["image"];

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "bulkhead-images-"));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Writes a file next to the system file; returns its name. */
function put(name: string, bytes: Buffer): string {
  writeFileSync(path.join(folder, name), bytes);
  return name;
}

function describeSystem(image: Image, memory = "8 MiB"): SystemDescription {
  return { name: "test-guest-images", partitions: [{ name: "one", core: 0, memory, image }] };
}

async function compile<Result>(image: Image, look: (compiled: CompiledSystem) => Result, memory?: string): Promise<Result> {
  const compiled = await compileDescription(describeSystem(image, memory), path.join(folder, "system.ts"));
  try {
    return look(compiled);
  } finally {
    rmSync(compiled.directory, { recursive: true });
  }
}

async function refusal(image: Image, memory?: string): Promise<UserError> {
  try {
    await compile(image, () => null, memory);
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error("the system was accepted");
}

function imageKind(compiled: CompiledSystem): number {
  return readFileSync(compiled.policy).readUInt32LE(PolicyHeader.Partitions + PolicyPartition.ImageKind);
}

describe("a good image", () => {
  test.each([
    ["multiboot", multiboot, ["text-screen", "test-device"]],
    ["multiboot2", multiboot2, ["text-screen"]],
  ])("%s: gets the devices of hardware and no hypercall by default, and what test kernels expect where they are of its kind", (_name, language, besides) => {
    const [partition] = checkDescription(describeSystem(language({ kernel: "kernel" })), "test.ts").partitions;
    expect(partition!.devices).toEqual(["local-apic", "io-apic", "pic", "pit", "uart", "rtc", "power-management", "pci", ...besides]);
    expect(partition!.hypercalls).toEqual([]);
  });

  test.each([
    ["multiboot", multiboot, makeHeader(), ImageKind.Multiboot],
    ["multiboot2", multiboot2, makeHeader2(), ImageKind.Multiboot2],
  ])("%s: its modules become one file, in their order, each with its command line", async (_name, language, header, kind) => {
    const kernel = put("kernel", makeKernel(header));
    const modules = [put("first", pattern(5)), { file: put("second", pattern(9)), commandLine: "b=1" }];
    await compile(language({ kernel, modules, commandLine: "a" }), (compiled) => {
      expect(imageKind(compiled)).toBe(kind);
      expect(compiled.modules.map((file) => path.basename(file))).toEqual(["1-kernel", "2-one-modules.bin"]);
      expect(readFileSync(compiled.modules[0]!)).toEqual(readFileSync(path.join(folder, kernel)));
      const bundle = readFileSync(compiled.modules[1]!);
      expect(bundle.readUInt32LE(Bundle.Count)).toBe(2);
      const piece = (index: number, offset: number): string => {
        const at = Bundle.Records + index * BundleRecord.Size + offset;
        const start = Number(bundle.readBigUInt64LE(at));
        return bundle.toString("latin1", start, start + Number(bundle.readBigUInt64LE(at + 8)));
      };
      expect([0, 1].map((index) => piece(index, BundleRecord.Offset))).toEqual([pattern(5).toString("latin1"), pattern(9).toString("latin1")]);
      expect([0, 1].map((index) => piece(index, BundleRecord.TextOffset))).toEqual(["", "b=1"]);
    });
  });

  test("multiboot without modules is one file", async () => {
    const names = await compile(multiboot({ kernel: put("kernel", makeKernel(makeHeader(), { bits: 64 })) }), ({ modules }) => modules.map((file) => path.basename(file)));
    expect(names).toEqual(["1-kernel"]);
  });

  test("multiboot with address fields", async () => {
    const kernel = put("kernel", Buffer.concat([makeHeader(0x10003, [0x200000, 0x200000, 0, 0x300000, 0x200020]), pattern(0x100)]));
    expect(await compile(multiboot({ kernel }), imageKind)).toBe(ImageKind.Multiboot);
  });

  test("flat: the binary behind where it goes and how it starts", async () => {
    const file = put("binary", pattern(100));
    const bytes = await compile(flat({ file, address: 0x7c00, entry: 0x7c02, mode: "real" }), (compiled) => readFileSync(compiled.modules[0]!));
    expect(bytes.readUInt32LE(Flat.Mode)).toBe(FlatMode.Real);
    expect([bytes.readBigUInt64LE(Flat.Address), bytes.readBigUInt64LE(Flat.Entry)]).toEqual([0x7c00n, 0x7c02n]);
    expect(bytes.subarray(Flat.Content)).toEqual(pattern(100));
  });

  test("flat: entered at its first byte if nothing else is said", async () => {
    const bytes = await compile(flat({ file: put("binary", pattern(100)), address: 0x200000, mode: "64-bit" }), (compiled) => readFileSync(compiled.modules[0]!));
    expect(bytes.readBigUInt64LE(Flat.Entry)).toBe(0x200000n);
  });

  test.each([32, 64] as const)("PVH, ELF%i", async (bits) => {
    const kernel = put("kernel", makeElf(exampleSegments(), bits));
    expect(await compile(pvh({ kernel, initramfs: put("disk", pattern(3)) }), (compiled) => [imageKind(compiled), compiled.modules.length])).toEqual([ImageKind.Pvh, 2]);
  });
});

describe("an image that cannot start is refused with file, field, value and remedy", () => {
  const elf = (segment: { address: bigint; size: bigint }, header = makeHeader()): Buffer =>
    makeKernel(header, { segments: [{ type: LOAD, address: segment.address, bytes: pattern(16), memorySize: segment.size }] });
  const addresses = (fields: number[]): Buffer => Buffer.concat([makeHeader(0x10003, fields), pattern(0x100)]);

  const kernels: [string, Buffer, typeof multiboot | typeof multiboot2, string, string][] = [
    ["no multiboot header", makeKernel(makeHeader2()), multiboot, "partitions[0].image is multiboot({ ... }), but", "Write multiboot2({ ... })"],
    ["no multiboot2 header", makeKernel(makeHeader()), multiboot2, "partitions[0].image is multiboot2({ ... }), but", "Write multiboot({ ... })"],
    ["a header beyond 8 KiB", makeKernel(makeHeader(), { padding: 8192 }), multiboot, "no multiboot header in its first 8 KiB", "link the header to the start"],
    ["a flag that is not known", makeKernel(makeHeader(0x803)), multiboot, "flags 0x803, of which 0x800 require", "flags 3 to 15"],
    ["a tag that is not known", makeKernel(makeHeader2([{ type: 0x77 }])), multiboot2, "the required tag 119", "make it optional"],
    ["a console required", makeKernel(makeHeader2([{ type: 4, content: [1] }])), multiboot2, "the required tag 4", "make it optional"],
    ["information that is not given", makeKernel(makeHeader2([{ type: 1, content: [4, 8] }])), multiboot2, "requires the information tag 8", "make it optional"],
    ["a tag that leaves the header", makeKernel(makeHeader2([{ type: 6, size: 0x1000 }])), multiboot2, "header of", "Build or fetch"],
    ["no ELF file behind the header", Buffer.concat([makeHeader(), pattern(100)]), multiboot, "is no ELF file for x86", "ELF32 or ELF64"],
    ["a segment beyond the memory", elf({ address: 0x900000n, size: 16n }), multiboot, 'partitions[0].memory ("one") is 8 MiB, but its image needs 10 MiB: segment 1 of', 'at least "10 MiB"'],
    ["a segment beyond 3 GiB", elf({ address: 0xd0000000n, size: 16n }), multiboot, "segment 1 of", "Link it lower"],
    ["a segment among the boot structures", elf({ address: 0x8ffffn, size: 16n }), multiboot, "lies at 0x8ffff-0x9000e", "below 0x90000 or from 0x100000 on"],
    ["segments that overlap", elf({ address: 0x200100n, size: 16n }), multiboot, "overlaps segment 1 at 0x200100-0x20010f", "no two overlap"],
    ["an entry point outside", makeKernel(makeHeader(), { entry: 0x300000n }), multiboot, "the entry point 0x300000 of", "in a loaded segment"],
    ["address fields that contradict", addresses([0x200000, 0x200001, 0, 0, 0x200020]), multiboot, "contradict each other", "Correct header_addr"],
    ["an entry point outside the address fields", addresses([0x200000, 0x200000, 0, 0, 0x200200]), multiboot, "the entry point 0x200200 of", "in a loaded segment"],
  ];

  test.each(kernels)("%s", async (_name, bytes, language, message, remedy) => {
    const error = await refusal(language({ kernel: put("kernel", bytes) }));
    expect(error.message).toContain(message);
    expect(error.message).toContain("kernel");
    expect(error.remedy).toContain(remedy);
  });

  test.each<[string, Segment[], string]>([
    ["no PVH note", [], "image is pvh({ ... }), but"],
    ["a note of another owner", [{ type: NOTE, address: 0n, bytes: makeNote("GNU", 18, Buffer.alloc(4)) }], "has no PVH note"],
    ["a note that is cut", [{ type: NOTE, address: 0n, bytes: entryNote().subarray(0, -8) }], "has no PVH note"],
    ["a PVH entry point outside", [{ type: NOTE, address: 0n, bytes: entryNote(0x700000n) }], "the entry point 0x700000 of"],
  ])("%s", async (_name, notes, message) => {
    const kernel = put("kernel", makeElf([...exampleSegments().filter(({ type }) => type !== NOTE), ...notes]));
    const error = await refusal(pvh({ kernel }));
    expect(error.message).toContain(message);
    expect(error.remedy).toContain("Link it");
  });

  test("modules that do not fit above the image", async () => {
    const kernel = put("kernel", makeKernel(makeHeader()));
    const image = multiboot({ kernel, modules: [put("large", Buffer.alloc(0x600000)), put("small", pattern(1))] });
    const error = await refusal(image);
    expect(error.message).toContain('partitions[0].memory ("one") is 8 MiB, but its image needs 9 MiB');
    expect(error.remedy).toContain('"10 MiB"');
    expect(await compile(image, imageKind, "10 MiB")).toBe(ImageKind.Multiboot);
  });

  test("files that are not there", async () => {
    const kernel = put("kernel", makeKernel(makeHeader()));
    expect((await refusal(multiboot({ kernel: "absent" }))).message).toContain('partitions[0].image.kernel is "absent"');
    expect((await refusal(multiboot({ kernel, modules: ["absent"] }))).message).toContain('partitions[0].image.modules[0] is "absent"');
    expect((await refusal(multiboot({ kernel, modules: [{ file: "absent" }] }))).message).toContain('partitions[0].image.modules[0].file is "absent"');
    expect((await refusal(flat({ file: "absent", address: 0, mode: "real" }))).message).toContain('partitions[0].image.file is "absent"');
    expect((await refusal(pvh({ kernel, initramfs: "absent" }))).message).toContain('partitions[0].image.initramfs is "absent"');
  });

  test.each<[string, Omit<Parameters<typeof flat>[0], "file">, string]>([
    ["an entry point before it", { address: 0x7c00, entry: 0x7bff, mode: "real" }, "image.entry is 0x7bff, outside the 100 bytes at 0x7c00"],
    ["an entry point behind it", { address: 0x7c00, entry: 0x7c64, mode: "real" }, "image.entry is 0x7c64, outside"],
    ["real mode above 1 MiB", { address: 0x100000, mode: "real" }, "image.entry is 0x100000, which real mode does not reach"],
    ["an address beyond the memory", { address: 0x800000, mode: "32-bit" }, 'partitions[0].memory ("one") is 8 MiB, but its image needs'],
    ["an address among the boot structures", { address: 0x98000, mode: "32-bit" }, "lies at 0x98000-0x98063"],
  ])("a flat binary with %s", async (_name, description, message) => {
    const error = await refusal(flat({ file: put("binary", pattern(100)), ...description }));
    expect(error.message).toContain(message);
    expect(error.remedy).not.toBe("");
  });

  test("a flat binary that is empty", async () => {
    expect((await refusal(flat({ file: put("binary", Buffer.alloc(0)), address: 0x7c00, mode: "real" }))).message).toContain("is empty");
  });

  test("fields of the wrong form", () => {
    const message = (image: object): string => {
      try {
        checkDescription(describeSystem(image as Image), "test.ts");
      } catch (error) {
        if (error instanceof UserError) return error.message;
        throw error;
      }
      return "accepted";
    };
    expect(message({ kind: "flat", file: "a", address: 1, mode: "16-bit" })).toContain('test.ts: partitions[0].image.mode is "16-bit"');
    expect(message({ kind: "flat", file: "a", address: -1, mode: "real" })).toContain("partitions[0].image.address is -1");
    expect(message({ kind: "multiboot" })).toContain("partitions[0].image.kernel is missing");
    expect(message({ kind: "multiboot", kernel: "a", modules: Array.from({ length: 33 }, () => "b") })).toContain("name at most 32 modules");
    expect(message({ kind: "multiboot", kernel: "a", modules: [7] })).toContain('partitions[0].image.modules[0] is 7: write "FILE" or { file: "FILE"');
    expect(message({ kind: "multiboot", kernel: "a", modules: [{ file: "b", commandLine: "x".repeat(256) }] })).toContain("partitions[0].image.modules[0]");
  });
});
