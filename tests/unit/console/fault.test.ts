// A fault in the console ends the console: the system goes on, and kernel lines come by the floor's way.

import { beforeAll, describe, expect, test } from "vitest";
import { compileWeakenedConsole } from "../../weakened/weaken.ts";
import { compileFloor, type FloorMachine } from "../machine/floor.ts";
import { enumReader } from "../machine/source-enums.ts";
import { CLOCK, LINUX, RINGS, say, twoCores } from "./cores.ts";

const CONSOLES = 3;
const output = enumReader("kernel/console/ring-layout.ts", "Output");
/** Output ring of core 1. */
const RING = RINGS + 4096 * (2 + 3);
/** A source whose line would lie behind the console's memory. */
const BEYOND = 0xfdn;
const FAULT = "[bulkhead] fault in the console, which ends:";

let module: WebAssembly.Module;
let trusting: WebAssembly.Module;
beforeAll(async () => {
  module = await compileFloor();
  trusting = await compileWeakenedConsole("console-sources", [
    { file: "console/partitions.ts", text: "if (source < MAXIMUM_PARTITIONS || source == KERNEL_SOURCES + core) putSourceByte", replacement: "putSourceByte" },
  ]);
}, 240_000);

/** Core 1's ring holds a byte of a source that there is not. */
function corrupted(console?: WebAssembly.Module): { first: FloorMachine; second: FloorMachine } {
  const cores = twoCores(module, CONSOLES, console === undefined ? {} : { console });
  cores.first.printLine("before");
  say(cores.second, LINUX, "x");
  cores.first.memory.write(RING + output("Entries"), 2, (BEYOND << 8n) | 0x45n);
  cores.first.floor.drainRings();
  return cores;
}

test("an entry of nobody is left out", () => {
  const { first, second } = corrupted();
  expect(first.console.faulted).toBe(false);
  say(second, LINUX, "hello\n");
  first.floor.drainRings();
  expect(first.debugConsole.output).toBe("[bulkhead] before\r\n[linux] hello\r\n");
});

describe("a console that believes it", () => {
  test("ends, and core 0 goes on to print on the debug console and COM1", () => {
    const { first } = corrupted(trusting);
    expect(first.console.faulted).toBe(true);
    first.printLine("after");
    for (const text of [first.debugConsole.output, first.uart.output]) expect(text).toBe(`[bulkhead] before\r\n\n${FAULT}\n[bulkhead] after\r\n`);
    first.floor.printDirectly();
    first.printLine("fatal");
    expect(first.uart.output).toMatch(/\[bulkhead\] after\r\n\r\n\[bulkhead\] fatal\r\n$/);
  });

  test("does not hold core 1 back: its partition's output is dropped, and its kernel's lines are printed there", () => {
    const { second } = corrupted(trusting);
    say(second, LINUX, "y".repeat(10_000));
    second.printLine("core 1 goes on");
    expect(second.debugConsole.output).toBe("[bulkhead] core 1 goes on\r\n");
  });

  test("takes no more input and output of core 0's partition, which goes on", () => {
    const { first } = corrupted(trusting);
    say(first, CLOCK, "tick\n");
    first.uart.input.push(0x61);
    first.floor.onInputInterrupt();
    expect(first.floor.takeInput(CLOCK)).toBe(-1);
    expect(first.localApic.commands).toEqual([]);
    expect(first.debugConsole.output).not.toContain("tick");
  });
});

test("a console that faults in the middle of a kernel line: the line comes whole", async () => {
  const console = await compileWeakenedConsole("console-line", [{ file: "console/multiplexer.ts", text: "if (current.length == LINE_CAPACITY) completeLine(source);", replacement: "if (byte == 0x21) unreachable();" }]);
  const { first } = twoCores(module, CONSOLES, { console });
  first.printLine("one");
  first.printLine("two!");
  first.printLine("three");
  expect(first.uart.output).toBe(`[bulkhead] one\r\n\n${FAULT}\n[bulkhead] two!\r\n[bulkhead] three\r\n`);
}, 120_000);
