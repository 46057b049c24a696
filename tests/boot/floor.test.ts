// Faults in the kernel, in Bochs: what the console says, and that nothing hangs silently.

import { beforeAll, describe, expect, test } from "vitest";
import { kernelElf } from "../../scripts/build/paths.ts";
import type { RunResult } from "../../scripts/emulator/index.ts";
import { bootUntil } from "./helpers/boot.ts";
import { buildFloorKernel } from "./helpers/floor-kernel.ts";

const TIMEOUT_SECONDS = 20;
/** Last line of a trap report. */
const REPORT_END = /cr3 0x[0-9a-f]{16}/;

let floorKernel = "";
beforeAll(async () => {
  floorKernel = await buildFloorKernel();
});

function fault(kind: string, end = REPORT_END, consoles = "e9"): Promise<RunResult> {
  const image = { kernel: floorKernel, commandLine: `console=${consoles} fault=${kind}`, modules: [] };
  return bootUntil(image, end, { timeoutSeconds: TIMEOUT_SECONDS });
}

describe("a fault in the kernel", () => {
  test("outside linear memory hits the guard, and is reported on every console", async () => {
    const { output, serial } = await fault("guard", REPORT_END, "e9,com1");
    for (const console of [output, serial]) {
      expect(console).toMatch(/fatal 1 on core 0: exception in the kernel/);
      expect(console).toMatch(/#PF page fault, vector 14/);
      expect(console).toMatch(/in \S+ at 0xffffffff80/);
      expect(console).toMatch(/write at 0xffff900080000000, not mapped: guard of the kernel's linear memory/);
    }
  });

  test("dividing by zero names the reason", async () => {
    const { output } = await fault("divide");
    expect(output).toMatch(/#UD invalid opcode/);
    expect(output).toMatch(/division by zero/);
  });

  test("a bulk copy outside linear memory is caught before it starts", async () => {
    expect((await fault("bulk")).output).toMatch(/bulk access outside linear memory/);
  });

  test("an exhausted stack hits its guard page, and is reported on another stack with the function's name", async () => {
    const { output } = await fault("stack");
    expect(output).toMatch(/#DF double fault/);
    expect(output).toMatch(/in tests\/fixtures\/floor\/main\/exhaustStack at/);
  });

  test("a fault while a fault is reported still says so, on every console", async () => {
    const { output, serial } = await fault("again", /cr2 0x[0-9a-f]{16}/);
    for (const console of [output, serial]) {
      expect(console).toMatch(/fatal: fault while a fault was handled: core 0x0+ vector 0x0+e /);
    }
  });
});

describe("a planner that fails or lies", () => {
  const FATAL = /fatal: fault in the planner, before the kernel ran: core 0x0+ vector 0x0+(\w+) error 0x0+(\w+) rip (0x\w+) [^\n]*\n/;

  test("outside linear memory hits the guard", async () => {
    const { output } = await fault("planner-guard", FATAL);
    expect(FATAL.exec(output)?.slice(1, 3)).toEqual(["e", "2"]); // page fault, write to what is not mapped
    expect(output).toContain("cr2 0xffffa00080000000");
  });

  test.each([
    ["text", "into the kernel's code"],
    ["edge", "across the start of the image"],
    ["end", "to the last bytes of the image, core 0's kernel memory"],
    ["clear", "over the start of the image"],
    ["copy", "a copy into the kernel's memory"],
    ["wrap", "an address that the direct map ends before, where the kernel's memory is mapped"],
    ["length", "a length that wraps"],
    ["grant", "a grant for the console to write to core 0's kernel memory"],
  ])("is stopped at a store: %s, %s", async (kind) => {
    const { output } = await fault(`planner-${kind}`, FATAL);
    expect(FATAL.exec(output)?.[1]).toBe("6"); // UD2
    expect(output).not.toContain("tryRdmsr");
  });
});

describe("a console that fails or lies", () => {
  test.each([
    ["divide", "vector 0x0000000000000006"],
    ["guard", "vector 0x000000000000000e error 0x0000000000000002"],
  ])("ends, and the kernel goes on by the floor's way: %s", async (kind, vector) => {
    const { output, serial } = await fault(`console-${kind}`, /the end\r?\n/, "e9,com1");
    for (const console of [output, serial]) {
      expect(console).toContain("faulted before: 0");
      expect(console).toContain(`[bulkhead] fault in the console, which ends: core 0x0000000000000000 ${vector}`);
      expect(console).toContain("[bulkhead] faulted after: 1\r\n[bulkhead] a second call comes back, and gives nothing: 0\r\n\r\n[bulkhead] half a line\r\n[bulkhead] the end\r\n");
      expect(console).not.toContain("fatal");
    }
  });

  /** What it reached: memory behind its grant by writing and by reading, another port likewise. */
  async function reach(kernel: string): Promise<string[]> {
    const image = { kernel, commandLine: "console=e9 fault=console-reach", modules: [] };
    const { output } = await bootUntil(image, /(faulted: |fault in the console)[^\n]*\n/, { timeoutSeconds: TIMEOUT_SECONDS });
    expect(output).toContain("granted memory is written: 1");
    return [...output.matchAll(/(memory behind it|another port) is (written|read): 1/g)].map(([line]) => line);
  }

  test("reaches nothing beside what is granted", async () => {
    expect(await reach(floorKernel)).toEqual([]);
  });

  test("would reach it without the floor's checks", async () => {
    const weaken = (text: string): string =>
      text.replace("return port - PORT_COM1 < COM1_PORTS || port == PORT_DEBUG_CONSOLE;", "return true;").replace("offset < size && length <= size - offset ?", "offset < 48 || size == 0 ?");
    expect(await reach(await buildFloorKernel("floor-weak-console", weaken))).toEqual(["memory behind it is written: 1", "memory behind it is read: 1", "another port is written: 1", "another port is read: 1"]);
  });
});

test("faults that the kernel expects end the instruction or the monitor call only", async () => {
  const { output } = await fault("none", /second one[^\n]*\n/);
  expect(output).toContain("tryRdmsr of EFER: 1");
  expect(output).toContain("tryRdmsr of an x2APIC register in xAPIC mode: 0");
  expect(output).toContain("monitor call to unmapped memory cut short: 1");
  expect(output).toContain("second one cut short: 1");
  expect(output).not.toContain("fatal");
});

describe("a processor that does not do is told so on every console", () => {
  async function messages(cpuModel: string): Promise<string[]> {
    const { output, serial } = await bootUntil({ kernel: kernelElf, commandLine: "", modules: [] }, /fatal[^\n]*\n/, { timeoutSeconds: TIMEOUT_SECONDS, cpuModel });
    return [output, serial];
  }

  test("without long mode", async () => {
    for (const console of await messages("pentium_mmx")) expect(console).toContain("fatal: this processor has no 64-bit mode");
  });

  test("without a feature that the floor needs", async () => {
    for (const console of await messages("corei7_sandy_bridge_2600k")) expect(console).toContain("fatal: this processor lacks FSGSBASE (CPUID 7 EBX bit 0)");
  });
});
