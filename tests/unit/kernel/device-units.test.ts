// Several VT-d units: each has entries for the functions that it serves and for no other.

import { beforeEach, describe, expect, test } from "vitest";
import { REGISTERS_SIZE, RemappingUnit } from "../machine/remapping-unit.ts";
import { capability, extendedCapability } from "../machine/remapping-capability.ts";
import { drhd, type Structure } from "../drivers/dmar-table.ts";
import { compileKernel } from "./kernel-machine.ts";
import { CARD, DISK, DISK_BAR, DISK_TABLE, machineWithDevices, TOY, UNIT, type DeviceMachine, type DeviceOptions } from "./assignment-machine.ts";
import { addBridge, addCard, linesOf } from "./device-functions.ts";

const SECOND_UNIT = 0xfeda_0000;
const BEHIND = 0x108; // 01:01.0
const DATA = Buffer.from("bulkhead");
/** Unit 0 serves the disk and what lies behind a bridge, unit 1 the rest and the I/O APIC. */
const DMAR: Structure[] = [
  drhd(UNIT, ["endpoint 0:4.0", "bridge 0:1c.0"]),
  drhd(SECOND_UNIT, ["ioapic #0 ff:0.0"], { flags: 1 }),
];
const OWNERS: DeviceOptions["partitions"] = [{ pci: [{ device: "00:04.0" }] }, { pci: [{ device: "00:05.0" }, { device: "01:01.0" }] }];

beforeEach(() => void compileKernel(), 240_000);

interface TwoUnits {
  machine: DeviceMachine;
  second: RemappingUnit;
}

async function booted(options: Partial<DeviceOptions> = {}, secondOptions: DeviceOptions["unit"] = {}): Promise<TwoUnits> {
  const machine = await machineWithDevices({
    partitions: OWNERS,
    dmar: DMAR,
    pci: (pci) => {
      addBridge(pci, "00:1c.0", 1, 4);
      addCard(pci, "01:01.0", { type: 0 });
    },
    ...options,
  });
  const second = new RemappingUnit(machine.memory, secondOptions);
  machine.memory.addDevice(SECOND_UNIT, REGISTERS_SIZE, second);
  expect(machine.boot(), machine.text).toBe("enterGuest");
  return { machine, second };
}

describe.each<[string, Partial<DeviceOptions>]>([
  ["legacy mode", {}],
  ["scalable mode", { remapping: "scalable", unit: { extended: extendedCapability({ scalable: true }) } }],
])("two units in %s", (_, options) => {
  test("let their own functions through, and block those of the other", async () => {
    const { machine, second } = await booted(options, options.unit);
    const { unit } = machine;
    expect([DISK, CARD, BEHIND].map((source) => unit.dma(source, 0x1000n, 8, true).blocked === undefined)).toEqual([true, false, true]);
    expect([DISK, CARD, BEHIND].map((source) => second.dma(source, 0x1000n, 8, true).blocked === undefined)).toEqual([false, true, false]);
    expect([unit, second].map((one) => one.dma(TOY, 0x1000n, 8, true).blocked !== undefined)).toEqual([true, true]);
    expect([...unit.protocolErrors, ...second.protocolErrors]).toEqual([]);
  });

  test("share the tables of a partition that has functions under both", async () => {
    const { machine, second } = await booted(options, options.unit);
    expect(second.deviceWrite(CARD, 0x1000n, DATA)).toBe(true);
    expect(machine.unit.deviceRead(BEHIND, 0x1000n, DATA.length)).toEqual(DATA);
    expect(machine.memory.readBytes(Number(machine.memoryBase(1)) + 0x1000, DATA.length)).toEqual(DATA);
  });
});

test("the boot log says which unit serves whom", async () => {
  const { machine } = await booted();
  const served = linesOf(machine, "vtd: ").flatMap((line) => /^vtd: (\S+) .* unit (\d),/.exec(line)?.slice(1, 3).join(" ") ?? []);
  expect(served).toEqual(["00:04.0 0", "00:05.0 1", "01:01.0 0"]);
});

test("each unit has the interrupt entries of its own functions alone", async () => {
  const { machine, second } = await booted();
  const isPresent = (unit: RemappingUnit, index: number): boolean => (machine.memory.read(Number(unit.interruptTable.address) + 16 * index, 8) & 1n) !== 0n;
  const present = (unit: RemappingUnit): number[] => Array.from({ length: 256 }, (_, index) => index).filter((index) => isPresent(unit, index));
  expect(present(machine.unit)).toEqual([0, 1, 2, 3, 4]); // four of the disk, one behind the bridge
  expect(present(second)).toEqual([0, 1]); // the card, and the I/O APIC
  const address = Number(machine.memory.read(DISK_BAR + DISK_TABLE, 4));
  expect(machine.unit.message(DISK, address, 0)).toEqual({ vector: 0x50, destination: 0 });
  expect(second.message(DISK, address, 0)).toMatchObject({ blocked: 0x26 });
});

test("a fault of the second unit has its number in the line", async () => {
  const { machine, second } = await booted();
  second.dma(CARD, 0x50_0000n, 8, true);
  machine.faultInterrupt();
  expect(linesOf(machine, "vtd unit 1: 00:05.0")).toEqual(["vtd unit 1: 00:05.0 of guest1: write at 0x0000000000500000 blocked: reason 0x05, no write permission"]);
});

test("tables have the form that both units understand", async () => {
  const unit = { capability: capability({ widths: 6, largePages: 3 }) };
  const { machine, second } = await booted({ unit }, { capability: capability({ widths: 2, guestWidth: 39, largePages: 0 }) });
  expect(machine.unit.deviceWrite(DISK, 0x1000n, DATA)).toBe(true);
  expect(second.deviceWrite(CARD, 0x1000n, DATA)).toBe(true);
  expect(machine.unit.caches.translations.concat(second.caches.translations).map(({ size }) => size)).toEqual([0x1000n, 0x1000n]);
  expect([...machine.unit.protocolErrors, ...second.protocolErrors]).toEqual([]);
});
