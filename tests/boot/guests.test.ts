// Guests that are neither Linux nor TypeScript, in Bochs: each is a small kernel of tests/fixtures/guests that prints
// what it was started with and what it was given.

import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import template from "../../examples/multiboot/system.ts";
import { flat, linux, multiboot, multiboot2, pvh, type SystemDescription } from "../../scripts/policy/language.ts";
import { projectDirectory } from "../../scripts/policy/project.ts";
import { buildGuestKernel } from "./helpers/guest-kernels.ts";
import { bootSystem, type SystemOutput } from "./helpers/system.ts";

type Partition = SystemDescription["partitions"][number];

const TIMEOUT_SECONDS = 90;
/** Of 8 MiB: KiB below 640 KiB, KiB from 1 MiB on. */
const LOWER = "0000027c";
const UPPER = "00001c00";
const MAP = ["map: 00000000 + 0009f000 type 00000001", "map: 0009f000 + 00061000 type 00000002", "map: 00100000 + 00700000 type 00000001"];
/** Zeroed bss, A20 open, protected mode without paging, interrupts off, flat segments. */
const PLATFORM = ["bss: zero", "A20: 11111111", "cr0: 00000001", "flags: 00000000", "segments: 33333333"];
const MODULE_LINES = ["<> at page offset 00000000, size 00000011, begins 31444f4d", "<second = 2> at page offset 00000000, size 00001388, begins 5a5a5a5a"];

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "bulkhead-guests-"));
  writeFileSync(path.join(folder, "first"), "MOD1 first module");
  writeFileSync(path.join(folder, "second"), "Z".repeat(5000));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Boots the images, one on each core, with 8 MiB each; the machine powers off once all have. */
async function boot(name: string, images: Record<string, Partition["image"]>): Promise<SystemOutput> {
  const partitions = Object.entries(images).map(([partition, image], core) => ({ name: partition, core, memory: "8 MiB", image }));
  return bootSystem({ name, partitions }, { timeoutSeconds: TIMEOUT_SECONDS });
}

function modules(): NonNullable<Parameters<typeof multiboot>[0]["modules"]> {
  return [path.join(folder, "first"), { file: path.join(folder, "second"), commandLine: "second = 2" }];
}

function multibootLines(flags: string, commandLine: string, moduleLines: string[]): string[] {
  return [
    "eax: 2badb002", ...PLATFORM, "MP: 5f504d5f cursor: 00000012", `information: ${flags}`, `lower: ${LOWER} upper: ${UPPER}`, `command line: <${commandLine}>`, "loader: <Bulkhead>",
    ...moduleLines.map((line) => `module ${line}`), ...MAP, "done",
  ];
}

function multiboot2Lines(commandLine: string, moduleLines: string[]): string[] {
  return [
    "eax: 36d76289", ...PLATFORM, `tag 00000001: <${commandLine}>`, "tag 00000002: <Bulkhead>", `tag 00000004: ${LOWER} ${UPPER}`, "tag 00000006: entries of 00000018",
    ...MAP, ...moduleLines.map((line) => `tag 00000003: ${line}`), "tag 00000009: strings .text", "tag 0000000e: 20445352 sum 00000000",
    "tag 0000000f: 20445352 sum 00000000", "tag 00000015: 00100000", "tag 00000000", "size differs by: 00000000", "done",
  ];
}

function pvhLines(commandLine: string, moduleLines: string[]): string[] {
  return [...PLATFORM, "magic: 336ec578 version: 00000001", `command line: <${commandLine}>`, ...moduleLines, ...MAP, "RSDP: 20445352", "done"];
}

describe("multiboot", () => {
  let output: SystemOutput;

  beforeAll(async () => {
    const elf32 = await buildGuestKernel("multiboot32", { source: "multiboot", bits: 32, address: 0x100000 });
    const elf64 = await buildGuestKernel("multiboot64", { source: "multiboot", bits: 64, address: 0x200000 });
    const low = await buildGuestKernel("multiboot-low", { source: "multiboot", bits: 32, address: 0x10000 });
    const addresses = await buildGuestKernel("multiboot-addresses", { source: "multiboot", bits: 32, address: 0x100000, flat: true, defines: ["ADDRESSES"] });
    output = await boot("test-guests-multiboot", {
      elf32: multiboot({ kernel: elf32, modules: modules(), commandLine: "hello world" }),
      elf64: multiboot({ kernel: elf64, modules: modules() }),
      low: multiboot({ kernel: low, commandLine: "low" }),
      addresses: multiboot({ kernel: addresses, commandLine: "by addresses" }),
    });
  });

  test("ELF32, with modules", () => expect(output.of("elf32")).toEqual(multibootLines("0000024d", "hello world", MODULE_LINES)));
  test("ELF64, without a command line", () => expect(output.of("elf64")).toEqual(multibootLines("0000024d", "", MODULE_LINES)));
  test("ELF32 below 1 MiB", () => expect(output.of("low")).toEqual(multibootLines("00000245", "low", [])));
  test("address fields instead of ELF headers", () => expect(output.of("addresses")).toEqual(multibootLines("00000245", "by addresses", [])));
  test("nothing outside its partition was touched", () => expect(output.kernel.filter((line) => line.startsWith("audit:"))).toEqual([]));
});

describe("multiboot2 and PVH", () => {
  let output: SystemOutput;

  beforeAll(async () => {
    const elf32 = await buildGuestKernel("multiboot2-32", { source: "multiboot2", bits: 32, address: 0x100000 });
    const elf64 = await buildGuestKernel("multiboot2-64", { source: "multiboot2", bits: 64, address: 0x100000 });
    const pvh32 = await buildGuestKernel("pvh32", { source: "pvh", bits: 32, address: 0x100000 });
    const pvh64 = await buildGuestKernel("pvh64", { source: "pvh", bits: 64, address: 0x200000 });
    output = await boot("test-guests-multiboot2", {
      elf32: multiboot2({ kernel: elf32, commandLine: "hello" }),
      elf64: multiboot2({ kernel: elf64, modules: modules() }),
      pvh32: pvh({ kernel: pvh32, commandLine: "hello PVH" }),
      pvh64: pvh({ kernel: pvh64, initramfs: path.join(folder, "first") }),
    });
  });

  test("multiboot2, ELF32", () => expect(output.of("elf32")).toEqual(multiboot2Lines("hello", [])));
  test("multiboot2, ELF64, with modules", () => expect(output.of("elf64")).toEqual(multiboot2Lines("", MODULE_LINES)));
  test("PVH, ELF32", () => expect(output.of("pvh32")).toEqual(pvhLines("hello PVH", [])));
  test("PVH, ELF64, with a module", () => expect(output.of("pvh64")).toEqual(pvhLines("", ["module of size 00000011, begins 31444f4d"])));
  test("nothing outside its partition was touched", () => expect(output.kernel.filter((line) => line.startsWith("audit:"))).toEqual([]));
});

describe("a flat binary, and an image that is refused when it starts", () => {
  let output: SystemOutput;

  beforeAll(async () => {
    const real = await buildGuestKernel("real", { source: "real", bits: 32, address: 0x7c00, flat: true });
    const protectedMode = await buildGuestKernel("protected", { source: "protected", bits: 32, address: 0x300000, flat: true });
    const long = await buildGuestKernel("long", { source: "long", bits: 64, address: 0x300000, flat: true });
    const noNote = await buildGuestKernel("no-note", { source: "multiboot", bits: 64, address: 0x200000 });
    output = await boot("test-guests-flat", {
      real: flat({ file: real, address: 0x7c00, mode: "real" }),
      protected: flat({ file: protectedMode, address: 0x300000, entry: 0x300008, mode: "32-bit" }),
      long: flat({ file: long, address: 0x300000, mode: "64-bit" }),
      refused: linux({ kernel: noNote, initramfs: "none" }),
    });
  });

  test("real mode: interrupt vectors, and to protected mode and back", () => {
    expect(output.of("real")).toEqual(["real mode at 7c00", "interrupt taken", "back from protected mode with 5052", "done"]);
  });

  test("32-bit mode, entered behind its first byte", () => expect(output.of("protected")).toEqual(["protected mode, cr0 00000001, ebx 00000000", "done"]));
  test("64-bit mode, on the stack and the descriptors that it was given", () => expect(output.of("long")).toEqual(["long mode, EFER.LME and LMA 5, descriptors +", "done"]));

  test("the refused one is told by name and never starts", () => {
    expect(output.kernel).toContain("partition refused: kernel image has neither the 64-bit boot protocol nor a PVH note");
    expect(output.kernel).toContain("partition refused stopped: its image could not be loaded");
    expect(output.kernel.some((line) => line.startsWith("partition refused starts"))).toBe(false);
  });
});

test("the template of examples/multiboot, built as its first lines say", async () => {
  const source = path.join(projectDirectory, "examples/multiboot/kernel.S");
  const command = /^#\s+(clang .*)$/m.exec(readFileSync(source, "utf8"))?.[1];
  if (command === undefined) throw new Error(`${source} does not say how it is built`);
  copyFileSync(source, path.join(folder, "kernel.S"));
  execFileSync("sh", ["-c", command], { cwd: folder });
  const [kernel, ...others] = template.partitions;
  if (kernel?.image.kind !== "multiboot") throw new Error("the template's first partition is no multiboot kernel");
  const image = { ...kernel.image, kernel: path.join(folder, kernel.image.kernel) };
  const output = await bootSystem({ ...template, name: "test-guests-template", partitions: [{ ...kernel, image }, ...others] }, { timeoutSeconds: TIMEOUT_SECONDS });
  expect(output.of("kernel")).toEqual(["hello from my own kernel: verbose"]);
  expect(output.summary("kernel")).toContain("powered off, restarts 0, violations 0");
  expect(output.summary("clock")).toContain("powered off");
});
