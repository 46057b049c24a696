// Devices of the policy through the whole kernel: what they reach once translation is on, where their messages go, and what
// the owner's core does with them.

import { beforeEach, describe, expect, test } from "vitest";
import { FunctionMailbox, Mailbox, PCI_WINDOW_BASE } from "../../../monitor/interface.ts";
import { capability, extendedCapability } from "../machine/remapping-capability.ts";
import { eptLeaves } from "../machine/page-walker.ts";
import { compileKernel } from "./kernel-machine.ts";
import { CARD, DISK, DISK_BAR, DISK_TABLE, machineWithDevices, startedWithDevices, TOY, UNIT, type DeviceMachine, type DeviceOptions } from "./assignment-machine.ts";

const MIB = 1n << 20n;
const WINDOW = BigInt(PCI_WINDOW_BASE);
const BUS_MASTER = 4;
const FIRST_VECTOR = 0x50;
const CONFIG_DATA = 0xcfc;
const OWNERS = [{ pci: [{ device: "00:04.0" }] }, { pci: [{ device: "8086:10d3" }] }];

beforeEach(() => void compileKernel(), 240_000);

function command(machine: DeviceMachine, target: "disk" | "card"): number {
  return machine[target].bytes.readUInt16LE(4);
}

/** Address and data that the kernel wrote into an entry of the disk's MSI-X table. */
function message(machine: DeviceMachine, entry: number): { address: number; data: number; masked: boolean } {
  const at = DISK_BAR + DISK_TABLE + 16 * entry;
  return { address: Number(machine.memory.read(at, 4)), data: Number(machine.memory.read(at + 8, 4)), masked: (machine.memory.read(at + 12, 4) & 1n) !== 0n };
}

describe.each([
  ["legacy mode, 4 levels", {}],
  ["legacy mode, 3 levels", { unit: { capability: capability({ widths: 2, guestWidth: 39 }) } }],
  ["legacy mode, 5 levels", { unit: { capability: capability({ widths: 8, guestWidth: 57 }) } }],
  ["scalable mode", { remapping: "scalable", unit: { extended: extendedCapability({ scalable: true, secondLevel: true }) } }],
  ["caching mode", { unit: { capability: capability({ cachingMode: true }) } }],
] satisfies [string, Omit<DeviceOptions, "partitions">][])("DMA in %s", (_, options) => {
  test("a device reaches the memory of its partition, at guest-physical addresses, and nothing else", async () => {
    const machine = await startedWithDevices({ partitions: OWNERS, ...options });
    const data = Buffer.from("bulkhead");
    expect(machine.unit.deviceWrite(DISK, 0x1_2340n, data)).toBe(true);
    expect(machine.memory.readBytes(Number(machine.memoryBase(0)) + 0x1_2340, 8)).toEqual(data);
    expect(machine.unit.deviceWrite(CARD, 0x1_2340n, data)).toBe(true);
    expect(machine.memory.readBytes(Number(machine.memoryBase(1)) + 0x1_2340, 8)).toEqual(data);

    const elsewhere = [4n * MIB, machine.memoryBase(1) + 0x1000n, BigInt(DISK_BAR), BigInt(UNIT)];
    for (const address of elsewhere) expect(machine.unit.dma(DISK, address, 8, true).blocked, `0x${address.toString(16)}`).toBeDefined();
    expect(machine.unit.dma(DISK, 4n * MIB - 4n, 8, true)).toMatchObject({ blocked: expect.any(Number), pieces: [{ length: 4 }] });
    expect(machine.unit.protocolErrors).toEqual([]);
  });

  test("who is not assigned is blocked, on every bus", async () => {
    const machine = await startedWithDevices({ partitions: OWNERS, ...options });
    for (const source of [TOY, 0, 0x21, 0x100, 0x8000, 0xffff]) {
      expect(machine.unit.dma(source, 0x1000n, 8, false).blocked, source.toString(16)).toBeDefined();
    }
  });
});

describe("hand-over", () => {
  test("no function may start DMA until its guest says so; then the owner's may", async () => {
    const machine = await startedWithDevices({ partitions: OWNERS, pci: (pci) => void pci.add("00:07.0").bytes.writeUInt16LE(7, 4) });
    expect(machine.text).toContain("pci: 5 functions, none may start DMA");
    expect(command(machine, "disk") & BUS_MASTER).toBe(0);
    machine.answer("portWrite", () => {
      machine.monitor.mailbox.setUint32(Mailbox.Functions + FunctionMailbox.Command, 7, true);
      return undefined;
    });
    machine.exit("IO_INSTRUCTION", { EXIT_QUALIFICATION: (BigInt(CONFIG_DATA) << 16n) | 3n });
    expect(command(machine, "disk") & BUS_MASTER).toBe(BUS_MASTER);
    expect(command(machine, "card") & BUS_MASTER).toBe(0);
  });

  test("a function is reset before its partition starts, and once more when it ends, without bus mastering", async () => {
    const machine = await startedWithDevices({ partitions: OWNERS });
    expect(machine.disk.resets).toEqual(["FLR"]);
    expect(() => machine.exit("TRIPLE_FAULT")).toThrow();
    expect(machine.disk.resets).toEqual(["FLR", "FLR"]);
    for (const before of machine.disk.commandsAtReset) expect(before & BUS_MASTER).toBe(0);
    expect(machine.disk.tooEarly).toBe(0);
    expect(command(machine, "disk") & BUS_MASTER).toBe(0);
    expect(machine.card.resets).toEqual([]); // core 1 has not run
  });

  test("a function that does not come back from its reset stops its partition before it starts", async () => {
    const machine = await machineWithDevices({ partitions: OWNERS });
    machine.disk.busyReads = 1_000_000;
    expect(machine.boot()).not.toBe("enterGuest");
    expect(machine.text).toContain("device 00:04.0: it does not answer");
    expect(machine.text).toContain("partition guest0 stopped: its device could not be reset");
  });

  test("the monitor is told what the kernel gives: identity, BARs in the window, messages", async () => {
    const machine = await startedWithDevices({ partitions: OWNERS });
    const at = (field: number): number => machine.monitor.mailbox.getUint32(Mailbox.Functions + field, true);
    expect(machine.monitor.mailbox.getUint32(Mailbox.FunctionCount, true)).toBe(1);
    expect(at(FunctionMailbox.Identity)).toBe(0x0010_1b36);
    expect(at(FunctionMailbox.ClassRevision) >>> 8).toBe(0x01_0802);
    expect(machine.monitor.mailbox.getBigUint64(Mailbox.Functions + FunctionMailbox.Bars, true)).toBe(WINDOW);
    expect(machine.monitor.mailbox.getBigUint64(Mailbox.Functions + FunctionMailbox.Bars + 8, true)).toBe(0x4004n);
    expect(at(FunctionMailbox.MsixControl)).toBe(4);
  });

  test("the EPT maps the BAR uncacheable, without execution and without the page of the MSI-X table", async () => {
    const machine = await startedWithDevices({ partitions: OWNERS });
    const leaves = eptLeaves(machine.memory, machine.vmcs("EPT_POINTER") & ~0xfffn).filter(({ from }) => from >= WINDOW);
    expect(leaves.map(({ from, to, size, entry }) => [from - WINDOW, to, size, entry & 0x3fn])).toEqual([
      [0n, BigInt(DISK_BAR), 4096n, 3n],
      [0x1000n, BigInt(DISK_BAR) + 0x1000n, 4096n, 3n],
      [0x3000n, BigInt(DISK_BAR) + 0x3000n, 4096n, 3n],
    ]);
  });
});

describe("messages", () => {
  test("each message of the function leads to its vector on the owner's core, and to the monitor", async () => {
    const machine = await startedWithDevices({ partitions: OWNERS });
    for (let entry = 0; entry < 4; entry++) {
      const { address, data, masked } = message(machine, entry);
      expect(masked).toBe(false);
      expect(machine.unit.message(DISK, address, data)).toEqual({ vector: FIRST_VECTOR + entry, destination: 0 });
    }
    machine.externalInterrupt(FIRST_VECTOR + 2);
    expect(machine.monitorCalls("deviceMessage")).toEqual([[0, 0, 2]]);
  });

  test("another function that sends the same message is blocked", async () => {
    const machine = await startedWithDevices({ partitions: OWNERS });
    const { address, data } = message(machine, 0);
    for (const source of [CARD, TOY, 0x21]) expect(machine.unit.message(source, address, data)).toMatchObject({ blocked: 0x26 });
  });

  test("messages in compatibility format, which name any vector of any core, are blocked", async () => {
    const machine = await startedWithDevices({ partitions: OWNERS });
    expect(machine.unit.message(DISK, 0xfee0_0000, 0x41)).toHaveProperty("blocked");
  });

  test("the console's own interrupt goes through an entry for the I/O APIC alone", async () => {
    const machine = await startedWithDevices({ partitions: OWNERS });
    const { high } = machine.ioApic.entry(4);
    expect(high & 0x1_0000).toBe(0x1_0000); // remappable format
    const address = 0xfee0_0010 + ((high >>> 17) << 5);
    expect(machine.unit.message(0xff00, address, 0)).toEqual({ vector: 0x40, destination: 0 });
    expect(machine.unit.message(DISK, address, 0)).toMatchObject({ blocked: 0x26 });
  });
});
