// Memory type range registers: what firmware would have left, what a guest may write, and that the machine's are out of reach.

import { beforeEach, describe, expect, test } from "vitest";
import { KernelMachine, startedWithMonitor } from "./kernel-machine.ts";
import { expectDone, expectFault, readMsr, writeMsr } from "./vcpu-driver.ts";

const CAP = 0xfen;
const DEF_TYPE = 0x2ffn;
const FIX64K = 0x250n;
const FIXED = [FIX64K, 0x258n, 0x259n, ...Array.from({ length: 8 }, (_, i) => 0x268n + BigInt(i))];
const VARIABLE = Array.from({ length: 16 }, (_, i) => 0x200n + BigInt(i));
const ALL_WRITE_BACK = 0x0606_0606_0606_0606n;

let machine: KernelMachine;
beforeEach(async () => {
  machine = await startedWithMonitor();
}, 240_000);

describe("at the start", () => {
  test("eight variable ranges, fixed ranges and write combining; enabled, write-back by default", () => {
    expect(readMsr(machine, CAP)).toBe(0x508n);
    expect(readMsr(machine, DEF_TYPE)).toBe(0xc06n);
  });

  test("fixed ranges are write-back but for the memory of VGA", () => {
    for (const index of FIXED) expect(readMsr(machine, index), index.toString(16)).toBe(index === 0x259n ? 0n : ALL_WRITE_BACK);
  });

  test("the first variable range makes 3 to 4 GiB uncached, in the width of the processor's addresses", () => {
    expect(readMsr(machine, 0x200n)).toBe(0xc000_0000n);
    expect(readMsr(machine, 0x201n)).toBe(0xff_c000_0800n);
    for (const index of VARIABLE.slice(2)) expect(readMsr(machine, index)).toBe(0n);
  });
});

describe("writes", () => {
  test("each register keeps its own value, and none reaches the machine", () => {
    const before = machine.processor.msrWrites.length;
    const values = [...FIXED, ...VARIABLE].map((index, i) => [index, index >= FIX64K ? ALL_WRITE_BACK - BigInt(i % 3) : BigInt(i + 1) << 12n] as const);
    for (const [index, value] of values) {
      writeMsr(machine, index, value);
      expectDone(machine);
    }
    for (const [index, value] of values) expect(readMsr(machine, index), index.toString(16)).toBe(value);
    expect(machine.processor.msrWrites.length).toBe(before);
  });

  test("a partition that restarts finds them as at the start", async () => {
    machine = await startedWithMonitor({ partitions: [{ health: { fault: "restart" } }] });
    writeMsr(machine, DEF_TYPE, 0n);
    writeMsr(machine, FIX64K, 0n);
    expect(machine.exit("TRIPLE_FAULT")).toBe(1);
    expect(readMsr(machine, DEF_TYPE)).toBe(0xc06n);
    expect(readMsr(machine, FIX64K)).toBe(ALL_WRITE_BACK);
  });

  test.each([
    ["the capabilities, which are read-only", CAP, 0x508n],
    ["a reserved type as default", DEF_TYPE, 0xc02n],
    ["a type beyond the encodings", DEF_TYPE, 0xc26n],
    ["reserved bits of the default type", DEF_TYPE, 0x106n],
    ["the upper half of the default type", DEF_TYPE, 1n << 32n],
    ["a reserved type in a fixed range", FIX64K, 0x0606_0606_0606_0603n],
    ["a reserved type in the last byte of a fixed range", 0x26fn, 0x0706_0606_0606_0606n],
    ["a reserved type of a variable range", 0x202n, 0x1002n],
    ["reserved bits of a base", 0x202n, 0x1106n],
    ["reserved bits of a mask", 0x203n, 0x1c00n],
    ["a base beyond the processor's addresses", 0x20en, 1n << 40n],
    ["a mask beyond the processor's addresses", 0x20fn, 1n << 63n],
  ])("%s: #GP, and nothing changes", (_name, index, value) => {
    const before = readMsr(machine, index);
    writeMsr(machine, index, value);
    expectFault(machine);
    expect(readMsr(machine, index)).toBe(before);
  });

  test("registers between and beyond them are violations", () => {
    for (const index of [0x210n, 0x24fn, 0x251n, 0x257n, 0x25an, 0x267n, 0x270n]) writeMsr(machine, index, 0n);
    expect(machine.lines.filter((line) => line.includes("wrote MSR"))).toHaveLength(7);
  });
});
