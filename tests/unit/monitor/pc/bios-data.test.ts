// The tables are read as xv6 and the MultiProcessor Specification 1.4 read them.

import { describe, expect, test } from "vitest";
import { Device, IO_APIC_BASE, ImageKind, LOCAL_APIC_BASE } from "../../../../monitor/interface.ts";
import { ALL_DEVICES, startPartition, type MonitorOptions } from "../harness.ts";

const SEARCHED_FROM = 0xf0000;
const SEARCHED_TO = 0x100000;
const ENTRY_SIZE = [20, 8, 8, 8, 8];

async function memoryOf(options: MonitorOptions): Promise<Buffer> {
  const partition = await startPartition({ imageKind: ImageKind.Multiboot, ...options });
  return partition.lowMemory;
}

function sum(bytes: Buffer): number {
  return bytes.reduce((total, byte) => (total + byte) & 0xff, 0);
}

/** The configuration table, by the pointer that lies on a multiple of 16. */
function findTable(ram: Buffer): Buffer | undefined {
  for (let at = SEARCHED_FROM; at < SEARCHED_TO; at += 16) {
    if (ram.toString("latin1", at, at + 4) !== "_MP_") continue;
    const pointer = ram.subarray(at, at + 16);
    expect([sum(pointer), pointer.readUInt8(8), pointer.readUInt8(9), pointer.readUInt8(11), pointer.readUInt8(12)]).toEqual([0, 1, 4, 0, 0]);
    const address = pointer.readUInt32LE(4);
    return ram.subarray(address, address + ram.readUInt16LE(address + 4));
  }
  return undefined;
}

function entriesOf(table: Buffer): Buffer[] {
  const entries: Buffer[] = [];
  for (let at = 44; at < table.length; at += ENTRY_SIZE[table.readUInt8(at)]!) entries.push(table.subarray(at, at + ENTRY_SIZE[table.readUInt8(at)]!));
  expect(entries).toHaveLength(table.readUInt16LE(34));
  return entries;
}

describe("MP tables", () => {
  test("name the processors, the bus, the I/O APIC and its lines", async () => {
    const table = findTable(await memoryOf({ vcpus: 3 }))!;
    expect([table.toString("latin1", 0, 4), sum(table), table.readUInt8(6), table.readUInt32LE(36)]).toEqual(["PCMP", 0, 4, Number(LOCAL_APIC_BASE)]);
    const entries = entriesOf(table);
    const of = (type: number): Buffer[] => entries.filter((entry) => entry.readUInt8(0) === type);
    expect(of(0).map((entry) => [entry.readUInt8(1), entry.readUInt8(3)])).toEqual([[0, 3], [1, 1], [2, 1]]);
    expect(of(1).map((entry) => entry.toString("latin1", 2))).toEqual(["ISA   "]);
    expect(of(2).map((entry) => [entry.readUInt8(1), entry.readUInt8(3), entry.readUInt32LE(4)])).toEqual([[0, 1, Number(IO_APIC_BASE)]]);
    const pins = new Map(of(3).filter((entry) => entry.readUInt8(1) === 0).map((entry) => [entry.readUInt8(5), entry.readUInt8(7)]));
    expect([...pins]).toEqual([[0, 2], ...[1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15].map((line) => [line, line])]);
    expect(of(3).filter((entry) => entry.readUInt8(1) === 3).map((entry) => entry.readUInt8(7))).toEqual([0]);
    expect(of(4).map((entry) => [entry.readUInt8(1), entry.readUInt8(6), entry.readUInt8(7)])).toEqual([[3, 0xff, 0], [1, 0xff, 1]]);
  });

  test.each<[string, MonitorOptions]>([
    ["without an I/O APIC", { devices: ALL_DEVICES & ~Device.IoApic }],
    ["without local APICs", { devices: ALL_DEVICES & ~Device.LocalApic }],
    ["for a kernel that no PC's loader starts", { imageKind: ImageKind.Pvh }],
    ["for firmware, which writes its own", { imageKind: ImageKind.Firmware }],
  ])("are absent %s", async (_name, options) => {
    expect(findTable(await memoryOf(options))).toBeUndefined();
  });
});

describe("the BIOS data area", () => {
  test.each([ImageKind.Multiboot, ImageKind.Multiboot2])("names COM1, the extended data area and what lies below it (%i)", async (imageKind) => {
    const ram = await memoryOf({ imageKind });
    expect([ram.readUInt16LE(0x400), ram.readUInt16LE(0x40e), ram.readUInt16LE(0x413), ram.readUInt8(0x9f000)]).toEqual([0x3f8, 0x9f00, 636, 4]);
  });

  test("is empty for other kernels", async () => {
    expect((await memoryOf({ imageKind: ImageKind.Pvh })).subarray(0x400, 0x500).every((byte) => byte === 0)).toBe(true);
  });
});
