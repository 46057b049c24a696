// The seal of the remapping tables: what was changed between building and sealing is found, and translation never goes on.

import { beforeEach, describe, expect, test } from "vitest";
import { extendedCapability } from "../machine/remapping-capability.ts";
import { compileKernel } from "./kernel-machine.ts";
import { CARD, DISK, machineWithDevices, startedWithDevices, type DeviceMachine, type DeviceOptions } from "./assignment-machine.ts";
import { fatalReason, linesOf } from "./device-functions.ts";
import { bootWithLie } from "./plan-lies.ts";

const OWNERS: DeviceOptions["partitions"] = [{ pci: [{ device: "00:04.0" }] }, { pci: [{ device: "00:05.0" }] }];
const SCALABLE: Partial<DeviceOptions> = { remapping: "scalable", unit: { extended: extendedCapability({ scalable: true }) } };
const TRANSLATION = 0x8000_0000;
const LARGE_LEAF = 0x83n; // read, write, page size

beforeEach(() => void compileKernel(), 240_000);

type Tamper = (machine: DeviceMachine, tables: Tables) => void;

/** Where the tables lie: the kernel makes the same ones at each boot of the same machine. */
interface Tables {
  bases: bigint[];
  /** Context table of bus 0. */
  contexts: number;
  interrupts: number;
  /** Second-level roots of the two partitions, of four levels. */
  roots: bigint[];
}

async function tablesOf(options: Partial<DeviceOptions>): Promise<Tables> {
  const machine = await startedWithDevices({ partitions: OWNERS, ...options });
  const { unit, memory } = machine;
  const frame = (address: bigint): bigint => memory.read(Number(address), 8) & 0xf_ffff_ffff_f000n;
  const contexts = frame(unit.root.address);
  const entry = (source: number): bigint => {
    if (!unit.root.isScalable) return frame(contexts + BigInt(source * 16));
    return frame(frame(frame(contexts + BigInt(source * 32))));
  };
  return {
    bases: [machine.memoryBase(0), machine.memoryBase(1)],
    contexts: Number(contexts),
    interrupts: Number(unit.interruptTable.address),
    roots: [entry(DISK), entry(CARD)],
  };
}

/** Address of the entry that maps device address 0 by a page of 2 MiB. */
function leafOf(machine: DeviceMachine, root: bigint): number {
  let table = root;
  for (let level = 4; level > 2; level--) table = machine.memory.read(Number(table), 8) & 0xf_ffff_ffff_f000n;
  return Number(table);
}

/** Boots a machine whose tables are changed after they were built, before the seal looks at them. */
async function tampered(tamper: Tamper, options: Partial<DeviceOptions> = {}): Promise<DeviceMachine> {
  const tables = await tablesOf(options);
  const machine = await machineWithDevices({ partitions: OWNERS, ...options });
  expect(bootWithLie(machine, () => tamper(machine, tables))).toBe("halt");
  return machine;
}

function change(machine: DeviceMachine, address: number, by: (value: bigint) => bigint): void {
  machine.memory.write(address, 8, by(machine.memory.read(address, 8)));
}

const LEGACY: [string, string, Tamper][] = [
  [
    "a leaf leads to another partition", "device address 0x0000000000000000",
    (machine, { roots, bases }) => change(machine, leafOf(machine, roots[0]!), () => bases[1]! | LARGE_LEAF),
  ],
  [
    "a leaf leads to the kernel", "device address 0x0000000000200000",
    (machine, { roots }) => change(machine, leafOf(machine, roots[0]!) + 8, () => 0x20_0000n | LARGE_LEAF),
  ],
  [
    "a leaf leads elsewhere", "device address 0x0000000000000000",
    (machine, { roots }) => change(machine, leafOf(machine, roots[1]!), () => 0x600_0000n | LARGE_LEAF),
  ],
  [
    "a leaf more than granted", "device address 0x0000000000400000",
    (machine, { roots }) => change(machine, leafOf(machine, roots[0]!) + 16, () => 0x600_0000n | LARGE_LEAF),
  ],
  [
    "a leaf is missing", "device address 0x0000000000200000",
    (machine, { roots }) => change(machine, leafOf(machine, roots[0]!), () => 0n),
  ],
  [
    "a leaf has other rights", "device address 0x0000000000000000",
    (machine, { roots }) => change(machine, leafOf(machine, roots[0]!), (leaf) => leaf & ~2n),
  ],
  [
    "a context entry has another partition's tables", "context entry of source id 0x0000000000000020",
    (machine, { contexts, roots }) => change(machine, contexts + DISK * 16, () => roots[1]! | 1n),
  ],
  [
    "a context entry has another partition's number", "context entry of source id 0x0000000000000020",
    (machine, { contexts }) => change(machine, contexts + DISK * 16 + 8, (high) => high + 0x100n),
  ],
  [
    "a context entry lets all pass untranslated", "context entry of source id 0x0000000000000020",
    (machine, { contexts }) => change(machine, contexts + DISK * 16, (low) => low | 8n),
  ],
  [
    "a context entry hides faults", "context entry of source id 0x0000000000000020",
    (machine, { contexts }) => change(machine, contexts + DISK * 16, (low) => low | 2n),
  ],
  [
    "a context entry is missing", "context entry of source id 0x0000000000000020",
    (machine, { contexts }) => change(machine, contexts + DISK * 16, () => 0n),
  ],
  ["a device that nobody owns has a context entry", "context entry of source id 0x0000000000000030", (machine, { contexts, roots }) => {
    change(machine, contexts + 0x30 * 16 + 8, () => 0x102n);
    change(machine, contexts + 0x30 * 16, () => roots[0]! | 1n);
  }],
  [
    "an interrupt entry has another vector", "interrupt entry 0x0000000000000001",
    (machine, { interrupts }) => change(machine, interrupts + 16, (low) => low ^ (1n << 16n)),
  ],
  [
    "an interrupt entry leads to another core", "interrupt entry 0x0000000000000004",
    (machine, { interrupts }) => change(machine, interrupts + 4 * 16, (low) => low ^ (1n << 40n)),
  ],
  [
    "an interrupt entry is for another source", "interrupt entry 0x0000000000000000",
    (machine, { interrupts }) => change(machine, interrupts + 8, (high) => high ^ 8n),
  ],
  [
    "an interrupt entry checks no source", "interrupt entry 0x0000000000000000",
    (machine, { interrupts }) => change(machine, interrupts + 8, (high) => high & 0xffffn),
  ],
  ["an interrupt entry more than granted", "interrupt entry 0x0000000000000009", (machine, { interrupts }) => {
    change(machine, interrupts + 9 * 16 + 8, () => 0x4_0020n);
    change(machine, interrupts + 9 * 16, () => 0x50_0001n);
  }],
  [
    "an interrupt entry is missing", "interrupt entry 0x0000000000000004",
    (machine, { interrupts }) => change(machine, interrupts + 4 * 16, () => 0n),
  ],
];

function expectSealed(machine: DeviceMachine, words: string): void {
  expect(linesOf(machine, "fatal")).toEqual([`fatal ${fatalReason("SealRemapping")} on core 0: a remapping table does not match the policy`]);
  expect(machine.lines.at(-1)).toContain(`  ${words}`);
  expect(machine.unit.globalStatus & TRANSLATION).toBe(0);
  expect(machine.unit.root.address).toBe(0n);
  expect(machine.processor.vmxCalls).toEqual([]);
}

test("the reason has the number that users report", () => {
  expect(fatalReason("SealRemapping")).toBe(26);
});

test("the seal lets tables pass that are as they were built", async () => {
  await expect(tampered(() => {})).rejects.toThrow(/enterGuest/);
});

describe("changed between building and sealing", () => {
  test.each(LEGACY)("%s", async (_, words, tamper) => {
    expectSealed(await tampered(tamper), words);
  });

  test.each<[string, string, Tamper]>([
    ["a context entry has another partition's PASID directory", "context entry of source id 0x0000000000000020",
      (machine, { contexts }) => {
      const other = machine.memory.read(contexts + CARD * 32, 8);
      change(machine, contexts + DISK * 32, () => other);
    }],
    [
      "a leaf leads to another partition", "device address 0x0000000000000000",
      (machine, { roots, bases }) => change(machine, leafOf(machine, roots[0]!), () => bases[1]! | LARGE_LEAF),
    ],
    ["a device that nobody owns has a context entry", "context entry of source id 0x0000000000000030", (machine, { contexts }) => {
      const other = machine.memory.read(contexts + CARD * 32, 8);
      change(machine, contexts + 0x30 * 32, () => other);
    }],
  ])("in scalable mode: %s", async (_, words, tamper) => {
    expectSealed(await tampered(tamper, SCALABLE), words);
  });
});
