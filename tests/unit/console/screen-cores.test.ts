// A core that stops reaches the serial line and the debug console by itself, and the screen through core 0.

import { beforeAll, expect, test } from "vitest";
import { encodeBootInformation, PC_MEMORY_MAP, tag } from "../machine/boot-information.ts";
import { compileFloor, type FloorMachine } from "../machine/floor.ts";
import { twoCores } from "./cores.ts";
import { framebufferTag } from "./screen.ts";

const INFORMATION = 0x1_0000;
const DEBUG_CONSOLE = 1;
const SCREEN = 4;
const COLUMNS = 60;
const ROWS = 10;
const TEXT = { address: 0xb_8000, pitch: COLUMNS * 2, width: COLUMNS, height: ROWS, bits: 16, type: 2 };
const RING_CAPACITY = 4096;

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileFloor();
}, 120_000);

/** Core 0 with these consoles, a screen among them if it is chosen, and core 1. */
function machines(consoles: number): { first: FloorMachine; second: FloorMachine } {
  const { first, second } = twoCores(module, 0);
  first.memory.writeBytes(INFORMATION, encodeBootInformation({ memoryMap: PC_MEMORY_MAP, tags: [tag(8, framebufferTag(TEXT))] }));
  first.floor.parse(BigInt(INFORMATION));
  expect(first.floor.openConsoles(consoles)).toBe(consoles);
  return { first, second };
}

function linesOn({ memory }: FloorMachine): string[] {
  const cells = memory.readBytes(TEXT.address, TEXT.pitch * ROWS);
  return Array.from({ length: ROWS }, (_, row) => Array.from({ length: COLUMNS }, (_unused, column) => String.fromCharCode(cells.readUInt8(row * TEXT.pitch + column * 2))).join("").trimEnd());
}

test("a report of core 1 stands on the screen, and once on each other console", () => {
  const { first, second } = machines(DEBUG_CONSOLE | SCREEN);
  first.printLine("before");
  second.floor.printDirectly();
  second.printLine("fatal 21 on core 1: machine check");
  expect(second.localApic.commands.map(({ apicId }) => apicId)).toEqual([0]); // core 0 is told
  first.floor.drainRings();
  first.printLine("after");
  expect(linesOn(first).slice(0, 4)).toEqual(["[bulkhead] before", "", "[bulkhead] fatal 21 on core 1: machine check", "[bulkhead] after"]);
  expect(second.debugConsole.output).toBe("\r\n[bulkhead] fatal 21 on core 1: machine check\r\n");
  expect(first.debugConsole.output).toBe("[bulkhead] before\r\n[bulkhead] after\r\n");
});

test("a screen that is no console stays as it is", () => {
  const { first, second } = machines(DEBUG_CONSOLE);
  second.floor.printDirectly();
  second.printLine("fatal");
  first.floor.drainRings();
  expect(first.memory.readBytes(TEXT.address, TEXT.pitch * ROWS).every((byte) => byte === 0)).toBe(true);
  expect(first.debugConsole.output).toBe("");
});

test("a core 0 that does not look any more holds no report back", () => {
  const { second } = machines(DEBUG_CONSOLE | SCREEN);
  second.floor.printDirectly();
  for (let sent = 0; sent < RING_CAPACITY + 200; sent += 100) second.printLine("x".repeat(88));
  expect(second.debugConsole.output.match(/x{88}\r\n/g)?.length).toBe(43);
});
