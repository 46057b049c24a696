// The screen as a console, in the memory that the loader named.

import { beforeAll, describe, expect, test } from "vitest";
import { encodeBootInformation, PC_MEMORY_MAP, tag } from "../machine/boot-information.ts";
import { compileFloor, FloorMachine } from "../machine/floor.ts";
import { DISTINCT_GLYPHS, framebufferTag, readScreen, type ScreenShape } from "./screen.ts";

const INFORMATION = 0x1_0000;
const SCREEN = 4; // ConsoleDevice.Screen
const COLUMNS = 40;
const ROWS = 8;
/** Lines of pixels are longer than the screen is wide. */
const PADDING = 64;

const RGB32: ScreenShape = { address: 0xc000_0000, pitch: COLUMNS * 32 + PADDING, width: COLUMNS * 8 + 3, height: ROWS * 16 + 5, bits: 32, type: 1 };
const RGB24: ScreenShape = { ...RGB32, pitch: COLUMNS * 24 + PADDING, bits: 24 };
const TEXT: ScreenShape = { address: 0xb_8000, pitch: COLUMNS * 2, width: COLUMNS, height: ROWS, bits: 16, type: 2 };

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileFloor();
}, 120_000);

/** A machine that speaks on its screen only; nothing may touch what lies around the screen. */
function machineWith(shape: ScreenShape): FloorMachine {
  const machine = new FloorMachine(module, { withDebugConsole: false, withUart: false });
  machine.memory.writeBytes(INFORMATION, encodeBootInformation({ memoryMap: PC_MEMORY_MAP, tags: [tag(8, framebufferTag(shape))] }));
  expect(machine.floor.parse(BigInt(INFORMATION))).toBe(0);
  machine.memory.forbid(shape.address - 0x1000, 0x1000);
  machine.memory.forbid(shape.address + shape.pitch * shape.height, 0x1000);
  return machine;
}

function openMachine(shape: ScreenShape): FloorMachine {
  const machine = machineWith(shape);
  expect(machine.floor.openConsoles(SCREEN)).toBe(SCREEN);
  return machine;
}

function linesOn(machine: FloorMachine, shape: ScreenShape): string[] {
  const memory = machine.memory.readBytes(shape.address, shape.pitch * shape.height);
  if (shape.type === 2) {
    return Array.from({ length: ROWS }, (_, row) => Array.from({ length: COLUMNS }, (_unused, column) => String.fromCharCode(memory.readUInt8(row * shape.pitch + column * 2))).join("").trimEnd());
  }
  const bytes = shape.bits / 8;
  return readScreen(COLUMNS, ROWS, (x, y) => {
    const at = y * shape.pitch + x * bytes;
    const colour = memory[at];
    if (memory[at + 1] !== colour || memory[at + 2] !== colour) throw new Error(`the pixel at ${x}, ${y} is not grey, so it depends on the order of the colours`);
    return colour !== 0;
  });
}

const screenOf = (...lines: string[]): string[] => [...lines, ...Array.from({ length: ROWS - lines.length }, () => "")];

describe.each([["32 bits a pixel", RGB32], ["24 bits a pixel", RGB24], ["text", TEXT]])("a screen of %s", (_, shape) => {
  test("is cleared, and shows what the kernel prints", () => {
    const machine = machineWith(shape);
    machine.memory.writeBytes(shape.address, Buffer.alloc(shape.pitch * shape.height, 0x5a));
    machine.floor.openConsoles(SCREEN);
    machine.printLine("missing: CPUID.1:ECX bit 5 ~");
    machine.printLine("{second}");
    expect(linesOn(machine, shape)).toEqual(screenOf("[bulkhead] missing: CPUID.1:ECX bit 5 ~", "[bulkhead] {second}"));
  });

  test("wraps long lines, and moves up by a quarter when full", () => {
    const machine = openMachine(shape);
    for (let i = 1; i <= 7; i++) machine.printLine(`line ${i}`);
    expect(linesOn(machine, shape)).toEqual(screenOf(...[1, 2, 3, 4, 5, 6, 7].map((i) => `[bulkhead] line ${i}`)));
    machine.printLine("x".repeat(35));
    const rest = [3, 4, 5, 6, 7].map((i) => `[bulkhead] line ${i}`);
    expect(linesOn(machine, shape)).toEqual(screenOf(...rest, `[bulkhead] ${"x".repeat(29)}`, "xxxxxx"));
  });

  test("shows a fatal report although the command line chose another console", () => {
    const machine = machineWith(shape);
    expect(machine.floor.openConsoles(1)).toBe(0);
    machine.floor.printDirectly();
    machine.printLine("fatal 8");
    expect(linesOn(machine, shape)).toEqual(screenOf("", "[bulkhead] fatal 8"));
  });
});

test("a fatal report follows what the screen shows already", () => {
  const machine = openMachine(RGB32);
  machine.printLine("before");
  machine.floor.printDirectly();
  machine.printLine("after");
  expect(linesOn(machine, RGB32)).toEqual(screenOf("[bulkhead] before", "", "[bulkhead] after"));
});

test("control characters move the cursor, escape sequences vanish, other characters are question marks", () => {
  const machine = openMachine(RGB32);
  machine.floor.printDirectly();
  machine.printLine("a\tb\b\bcd \x1b[1;31mred\x1b[0m\x1b7 \x1b[6n\x7f\x01\xe9.");
  expect(linesOn(machine, RGB32)[1]).toBe("[bulkhead] a   cd red ?.");
});

test("what does not change is not drawn again", () => {
  const machine = openMachine(RGB32);
  machine.printLine("same");
  machine.memory.writeBytes(RGB32.address, Buffer.alloc(RGB32.pitch * RGB32.height));
  for (let i = 0; i < 7; i++) machine.printLine("same");
  const lines = linesOn(machine, RGB32);
  // The first line moved away and an equal one took its place; its pixels, erased behind the driver's back, stay away.
  expect(lines.slice(0, 2)).toEqual(["", "[bulkhead] same"]);
});

describe("a screen that cannot be used is none", () => {
  test.each<[string, Partial<ScreenShape>]>([
    ["no address", { address: 0 }],
    ["16 bits a pixel", { bits: 16 }],
    ["indexed colours", { type: 0 }],
    ["lines shorter than their pixels", { pitch: RGB32.width * 4 - 1 }],
    ["narrower than a letter", { width: 7 }],
    ["lower than a letter", { height: 15 }],
    ["out of core 0's reach on a processor without pages of 1 GiB", { address: 16 * 2 ** 30 }],
    ["its end out of core 0's reach there", { address: 16 * 2 ** 30 - 4096 }],
  ])("%s", (_, difference) => {
    const machine = new FloorMachine(module, { withDebugConsole: false, withUart: false });
    machine.memory.writeBytes(INFORMATION, encodeBootInformation({ memoryMap: PC_MEMORY_MAP, tags: [tag(8, framebufferTag({ ...RGB32, ...difference }))] }));
    machine.floor.parse(BigInt(INFORMATION));
    expect(machine.floor.openConsoles(7)).toBe(0);
  });

  test("no tag", () => {
    const machine = new FloorMachine(module);
    machine.memory.writeBytes(INFORMATION, encodeBootInformation({ memoryMap: PC_MEMORY_MAP }));
    machine.floor.parse(BigInt(INFORMATION));
    expect(machine.floor.openConsoles(7)).toBe(3);
  });

  test("a screen larger than the driver's memory is used in part", () => {
    const huge = { ...RGB32, width: 2048, height: 1312, pitch: 8192 };
    const machine = openMachine(huge);
    const lines = (): string[] => {
      const pixels = machine.memory.readBytes(huge.address, huge.pitch * huge.height);
      return readScreen(huge.width / 8, huge.height / 16, (x, y) => pixels[y * huge.pitch + x * 4] !== 0);
    };
    machine.floor.printDirectly();
    machine.printLine("y".repeat(260));
    expect(lines().slice(0, 4)).toEqual(["", `[bulkhead] ${"y".repeat(229)}`, "y".repeat(31), ""]);
    for (let i = 0; i < 90; i++) machine.printLine("");
    machine.printLine("end");
    expect(lines().findIndex((line) => line.endsWith("end"))).toBeLessThan(80);
    expect(lines().slice(80)).toEqual(["", ""]);
  });
});

describe("a screen above 16 GiB", () => {
  const GIBIBYTE = 2 ** 30;
  const GIBIBYTE_PAGES = 1 << 26;

  function machineWithScreenAt(address: number, edx = GIBIBYTE_PAGES): FloorMachine {
    const machine = machineWith({ ...RGB32, address });
    machine.processor.setCpuid(0x8000_0001, 0, { edx });
    return machine;
  }

  test("is used where the floor's pages of 1 GiB reach it", () => {
    const machine = machineWithScreenAt(256 * GIBIBYTE);
    expect(machine.floor.openConsoles(SCREEN)).toBe(SCREEN);
    machine.printLine("far away");
    expect(linesOn(machine, { ...RGB32, address: 256 * GIBIBYTE })[0]).toBe("[bulkhead] far away");
  });

  test("is none on a processor without such pages, though it begins below", () => {
    expect(machineWithScreenAt(16 * GIBIBYTE - 4096).floor.openConsoles(SCREEN)).toBe(SCREEN);
    expect(machineWithScreenAt(16 * GIBIBYTE - 4096, 0).floor.openConsoles(SCREEN)).toBe(0);
    expect(machineWithScreenAt(8 * GIBIBYTE, 0).floor.openConsoles(SCREEN)).toBe(SCREEN);
  });

  test("is none from 512 GiB on", () => {
    expect(machineWithScreenAt(512 * GIBIBYTE - 4096).floor.openConsoles(SCREEN)).toBe(0);
  });
});

test("the font has 95 letters that differ", () => {
  expect(DISTINCT_GLYPHS).toBe(95);
});
