// Vectors and interrupt entries are numbered: what happens when many devices want many of them.

import { beforeEach, expect, test } from "vitest";
import { EXPRESS_TYPE, express, msix } from "../machine/pci-capabilities.ts";
import type { SimulatedPci } from "../machine/pci.ts";
import { compileKernel } from "./kernel-machine.ts";
import { startedWithDevices, type DeviceMachine } from "./assignment-machine.ts";
import { linesOf, refusals, stoppedBy } from "./device-functions.ts";

const FIRST_BAR = 0xfe10_0000;
const MESSAGES = 64;
const FIRST_VECTOR = 0x50;
const LAST_VECTOR = 0xef;

beforeEach(() => void compileKernel(), 240_000);

const address = (n: number): string => `00:${(0x10 + n).toString(16)}.0`;
const bar = (n: number): number => FIRST_BAR + n * 0x1000;

/** Functions with 64 messages each, whose table fills the first KiB of their BAR. */
function many(count: number): (pci: SimulatedPci) => void {
  return (pci) => {
    for (let n = 0; n < count; n++) msix(express(pci.add(address(n)).bar(0, 0x1000, bar(n)), EXPRESS_TYPE.integrated, { flr: true }), MESSAGES, 0);
  };
}

function owner(...numbers: number[]): { pci: { device: string }[] } {
  return { pci: numbers.map((n) => ({ device: address(n) })) };
}

/** Where message `entry` of function `n` leads. */
function destination(machine: DeviceMachine, n: number, entry: number): unknown {
  return machine.unit.message((0x10 + n) << 3, Number(machine.memory.read(bar(n) + 16 * entry, 4)), 0);
}

test("the last device of a partition has the vectors that are left, and its other entries stay empty", async () => {
  const machine = await startedWithDevices({ partitions: [owner(0, 1, 2)], pci: many(3) });
  expect(destination(machine, 0, 0)).toEqual({ vector: FIRST_VECTOR, destination: 0 });
  expect(destination(machine, 1, 63)).toEqual({ vector: FIRST_VECTOR + 127, destination: 0 });
  expect(destination(machine, 2, 31)).toEqual({ vector: LAST_VECTOR, destination: 0 });
  expect(machine.memory.read(bar(2) + 16 * 32, 8)).toBe(0n);
  machine.externalInterrupt(LAST_VECTOR);
  expect(machine.monitorCalls("deviceMessage")).toEqual([[0, 2, 31]]);
});

test("each core has vectors of its own", async () => {
  const machine = await startedWithDevices({ partitions: [owner(0), owner(1)], pci: many(2) });
  expect(destination(machine, 0, 5)).toEqual({ vector: FIRST_VECTOR + 5, destination: 0 });
  // Core 1 has not run, so that only the entry is there.
  expect(machine.unit.message(0x11 << 3, 0xfee0_0010 | ((MESSAGES + 5) << 5), 0)).toEqual({ vector: FIRST_VECTOR + 5, destination: 1 });
});

test("a device without any vector left is refused", async () => {
  expect(await refusals({ partitions: [owner(0, 1, 2, 3)], pci: many(4) })).toEqual([
    "device 00:13.0 of guest0: the partition's other devices use all 160 vectors of its core",
  ]);
});

test("more messages than a unit has entries: the boot ends before translation goes on", async () => {
  const machine = await stoppedBy("RemappingTables", { partitions: [owner(0, 1), owner(2, 3), owner(4)], pci: many(5) });
  expect(linesOf(machine, "  interrupt entries wanted")).toEqual(["  interrupt entries wanted 0x0000000000000040"]);
  expect(machine.unit.globalStatus).toBe(0);
});
