// What each core's page tables map of devices and of VT-d: exactly what it needs after the seal.

import { beforeAll, describe, expect, test } from "vitest";
import { extendedCapability } from "../machine/remapping-capability.ts";
import { EXPRESS_TYPE, express, msix } from "../machine/pci-capabilities.ts";
import { REGISTERS_SIZE } from "../machine/remapping-unit.ts";
import type { Leaf } from "../machine/page-walker.ts";
import { DISK, DISK_BAR, DISK_TABLE, startedWithDevices, UNIT, type DeviceMachine, type DeviceOptions } from "./assignment-machine.ts";
import { tablesOf } from "./device-cores.ts";
import { ECAM } from "../machine/pci.ts";

const DIRECT_BASE = 0xffff_8000_0000_0000n;
const DIRECT_END = 0xffff_9000_0000_0000n - 0x1000n; // the instance page of the kernel follows
const RAM_END = 0x1000_0000n;
const PAGE = 0x1000n;
const WRITABLE = 1n << 1n;
const UNCACHED = 1n << 4n; // PCD
const NO_EXECUTE = 1n << 63n;
const OTHER = 0x38; // 00:07.0
const OTHER_BAR = 0xfe04_0000;
const OTHER_TABLE = 0x1000;
const ADDRESS = 0xf_ffff_ffff_f000n;

const OWNERS: DeviceOptions["partitions"] = [{ pci: [{ device: "00:04.0" }] }, { pci: [{ device: "00:07.0" }] }];

interface Tables {
  machine: DeviceMachine;
  cores: Leaf[][];
}

async function started(options: Partial<DeviceOptions>): Promise<Tables> {
  const machine = await startedWithDevices({
    partitions: OWNERS,
    pci: (pci) => void msix(express(pci.add("00:07.0").bar(0, 0x4000, OTHER_BAR), EXPRESS_TYPE.integrated, { flr: true }), 8, OTHER_TABLE),
    ...options,
  });
  return { machine, cores: [tablesOf(machine, 0), tablesOf(machine, 1)] };
}

function configPage(sourceId: number): bigint {
  return BigInt(ECAM.base + sourceId * 4096);
}

/** Pages of the direct map with physical addresses that `wanted` picks, with what the tables say of them. */
function mapped(leaves: Leaf[], wanted: (address: bigint) => boolean): Map<bigint, bigint> {
  const pages = new Map<bigint, bigint>();
  for (const { from, to, size, entry } of leaves) {
    if (from < DIRECT_BASE || from >= DIRECT_END) continue;
    expect(from - DIRECT_BASE).toBe(to);
    for (let offset = 0n; offset < size; offset += PAGE) if (wanted(to + offset)) pages.set(to + offset, entry & (WRITABLE | UNCACHED | NO_EXECUTE));
  }
  return pages;
}

function deviceRegisters(pages: bigint[]): Map<bigint, bigint> {
  return new Map(pages.sort((a, b) => Number(a - b)).map((page) => [page, WRITABLE | UNCACHED | NO_EXECUTE]));
}

/** Frames of the tables below `table`, itself included. */
function framesBelow(machine: DeviceMachine, table: bigint, level: number): bigint[] {
  if (level === 0) return [];
  const frames = [table];
  for (let index = 0; index < 512; index++) {
    const entry = machine.memory.read(Number(table) + 8 * index, 8);
    if ((entry & 3n) !== 0n && (entry & 0x80n) === 0n && level > 1) frames.push(...framesBelow(machine, entry & ADDRESS, level - 1));
  }
  return frames;
}

function frame(machine: DeviceMachine, address: bigint): bigint {
  return machine.memory.read(Number(address), 8) & ADDRESS;
}

/** Frames of the tables: context tables, PASID directories and tables, second-level tables. */
function remappingFrames(machine: DeviceMachine): { contexts: bigint[]; pasids: bigint[]; secondLevel: bigint[] } {
  const { root } = machine.unit;
  const contexts = [frame(machine, root.address)];
  const pasids: bigint[] = [];
  const secondLevel: bigint[] = [];
  for (const source of [DISK, OTHER]) {
    let entry = contexts[0]! + BigInt(source * (root.isScalable ? 32 : 16));
    if (root.isScalable) {
      const directory = frame(machine, entry);
      pasids.push(directory, frame(machine, directory));
      entry = frame(machine, directory);
    }
    secondLevel.push(...framesBelow(machine, frame(machine, entry), 4));
  }
  return { contexts, pasids, secondLevel };
}

describe.each<[string, Partial<DeviceOptions>]>([
  ["legacy mode", {}],
  ["scalable mode", { remapping: "scalable", unit: { extended: extendedCapability({ scalable: true }) } }],
])("%s", (_, options) => {
  let machine: DeviceMachine;
  let cores: Leaf[][];
  beforeAll(async () => {
    ({ machine, cores } = await started(options));
  }, 240_000);
  const queue = (): bigint => machine.unit.queue.address & ADDRESS;
  const among = (frames: bigint[]) => (address: bigint): boolean => frames.includes(address);

  test("beyond RAM, core 0 maps the unit's registers and what its own function needs, uncached", () => {
    const unit = Array.from({ length: REGISTERS_SIZE / 4096 }, (_, page) => BigInt(UNIT) + BigInt(page) * PAGE);
    const found = mapped(cores[0]!, (address) => address >= RAM_END);
    const registers = unit.filter((page) => found.has(page));
    expect(registers).toContain(BigInt(UNIT));
    expect(found).toEqual(deviceRegisters([...registers, configPage(DISK), BigInt(DISK_BAR + DISK_TABLE)]));
  });

  test("beyond RAM, core 1 maps what its own function needs and nothing else", () => {
    expect(mapped(cores[1]!, (address) => address >= RAM_END)).toEqual(deviceRegisters([configPage(OTHER), BigInt(OTHER_BAR + OTHER_TABLE)]));
  });

  test("core 0 writes the queue and the context tables, and reads the root table", () => {
    const { contexts } = remappingFrames(machine);
    const wanted = [queue(), queue() + PAGE, ...contexts, machine.unit.root.address];
    const found = mapped(cores[0]!, among(wanted));
    expect([...found.keys()].sort()).toEqual([...wanted].sort());
    expect(wanted.filter((page) => (found.get(page)! & WRITABLE) === 0n)).toEqual([machine.unit.root.address]);
    for (const entry of found.values()) expect(entry & NO_EXECUTE).toBe(NO_EXECUTE);
  });

  test("core 1 maps no queue, no root table and no context table", () => {
    const { contexts } = remappingFrames(machine);
    expect(mapped(cores[1]!, among([queue(), queue() + PAGE, ...contexts, machine.unit.root.address]))).toEqual(new Map());
  });

  test("no core maps second-level, PASID or interrupt tables", () => {
    const { secondLevel, pasids } = remappingFrames(machine);
    expect(secondLevel.length).toBeGreaterThanOrEqual(6);
    expect(pasids).toHaveLength(machine.unit.root.isScalable ? 4 : 0);
    const hidden = [...secondLevel, ...pasids, machine.unit.interruptTable.address];
    expect(hidden).not.toContain(0n);
    for (const leaves of cores) expect(mapped(leaves, among(hidden))).toEqual(new Map());
  });

  test("what core 0 tells of devices, other cores read only", () => {
    const reports = machine.memory.read(Number(machine.plan) + 0x38, 8);
    const rights = cores.map((leaves) => mapped(leaves, among([reports])).get(reports));
    expect(rights).toEqual([WRITABLE | NO_EXECUTE, NO_EXECUTE]);
  });
});
