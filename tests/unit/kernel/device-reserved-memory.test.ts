// Reserved memory of the firmware (RMRR): a device reaches it only if the policy says so in as many words.

import { beforeEach, describe, expect, test } from "vitest";
import { pagingLeaves } from "../machine/page-walker.ts";
import { drhd, rmrr, type Structure } from "../drivers/dmar-table.ts";
import { compileKernel } from "./kernel-machine.ts";
import { CARD, DISK, machineWithDevices, startedWithDevices, UNIT, type DeviceMachine, type DeviceOptions } from "./assignment-machine.ts";
import { addBridge, addCard, linesOf, refusals, stoppedBy } from "./device-functions.ts";

const BASE = 0x80_0000n; // where the first partition would lie
const LIMIT = 0x80_2fffn;
const DATA = Buffer.from("bulkhead");

beforeEach(() => void compileKernel(), 240_000);

function withReserved(...structures: Structure[]): Structure[] {
  return [drhd(UNIT, ["ioapic #0 ff:0.0"], { flags: 1 }), ...structures];
}

function owners(reservedMemory: boolean): DeviceOptions["partitions"] {
  return [{ pci: [{ device: "00:04.0", reservedMemory }] }, { pci: [{ device: "00:05.0", reservedMemory }] }];
}

const FOR_DISK = withReserved(rmrr(BASE, LIMIT, ["endpoint 0:4.0"]));

describe("memory reserved for a device", () => {
  test("is mapped at its own addresses for that device's partition alone", async () => {
    const machine = await startedWithDevices({ partitions: owners(true), dmar: FOR_DISK });
    expect(machine.unit.dma(DISK, BASE, 0x3000, true)).toEqual({
      pieces: [0n, 1n, 2n].map((page) => ({ to: BASE + 0x1000n * page, length: 0x1000 })),
    });
    for (const address of [BASE - 1n, LIMIT + 1n]) expect(machine.unit.dma(DISK, address, 1, true).blocked, address.toString(16)).toBeDefined();
    for (const address of [BASE, LIMIT]) expect(machine.unit.dma(CARD, address, 1, false).blocked).toBeDefined();
    expect(machine.unit.deviceWrite(DISK, 0x1000n, DATA)).toBe(true);
    expect(linesOf(machine, "vtd: reserved")).toEqual(["vtd: reserved memory 0x000000800000 to 0x000000802fff for 00:04.0"]);
  });

  test("stays closed without the word in the policy", async () => {
    const machine = await startedWithDevices({ partitions: owners(false), dmar: FOR_DISK });
    for (const source of [DISK, CARD]) expect(machine.unit.dma(source, BASE, 1, false).blocked).toBeDefined();
  });

  test("is never handed out, even if the memory map has it as available", async () => {
    for (const reservedMemory of [true, false]) {
      const machine = await startedWithDevices({ partitions: owners(reservedMemory), dmar: FOR_DISK });
      for (const partition of [0, 1]) expect(rangesMeet(machine.memoryBase(partition), 4n << 20n)).toBe(false);
      for (const core of ["loadPageTables", "startCore"]) expect(directlyMapped(machine, core)).toEqual([]);
    }
    const machine = await startedWithDevices({ partitions: [{}], dmar: FOR_DISK });
    expect(rangesMeet(machine.memoryBase(0), 4n << 20n)).toBe(false);
  });

  function rangesMeet(base: bigint, length: bigint): boolean {
    return base <= LIMIT && base + length > BASE;
  }

  /** Leaves of a core's tables that map a byte of it. */
  function directlyMapped(machine: DeviceMachine, call: string): bigint[] {
    const pml4 = BigInt(machine.bootCalls.find((one) => one.startsWith(call))!.split(" ")[1]!);
    return pagingLeaves(machine.memory, pml4).filter(({ to, size }) => rangesMeet(to, size)).map(({ to }) => to);
  }

  test("of two devices of one partition is mapped once", async () => {
    const machine = await startedWithDevices({
      partitions: [{ pci: [{ device: "00:04.0", reservedMemory: true }, { device: "00:05.0", reservedMemory: true }] }],
      dmar: withReserved(rmrr(BASE, LIMIT, ["endpoint 0:4.0", "endpoint 0:5.0"])),
    });
    for (const source of [DISK, CARD]) expect(machine.unit.dma(source, BASE, 1, false).blocked).toBeUndefined();
  });

  test("behind a bridge scope is for what lies behind the bridge", async () => {
    const machine = await startedWithDevices({
      partitions: [{ pci: [{ device: "01:00.0", reservedMemory: true }] }],
      dmar: withReserved(rmrr(BASE, LIMIT, ["bridge 0:1c.0"])),
      pci: (pci) => {
        addBridge(pci, "00:1c.0", 1, 4);
        addCard(pci, "01:00.0", { type: 0 });
      },
    });
    expect(machine.unit.dma(0x100, BASE, 1, false).blocked).toBeUndefined();
  });
});

describe("refused", () => {
  test("reserved memory at addresses where the partition has its own memory", async () => {
    const partitions: DeviceOptions["partitions"] = [{ pci: [{ device: "00:04.0", reservedMemory: true }], memory: "16 MiB" }];
    expect(await refusals({ partitions, dmar: FOR_DISK })).toEqual([
      "device 00:04.0 of guest0: its reserved memory at 0x000000800000 lies at addresses of the partition's own memory; give the partition less",
    ]);
    const without = await startedWithDevices({ partitions: [{ pci: [{ device: "00:04.0" }], memory: "16 MiB" }], dmar: FOR_DISK });
    expect(without.unit.deviceWrite(DISK, BASE, DATA)).toBe(true);
  });

  test("reserved memory over the policy: the seal finds it", async () => {
    const partitions: DeviceOptions["partitions"] = [{ pci: [{ device: "00:04.0", reservedMemory: true }] }];
    const machine = await machineWithDevices({ partitions, dmar: withReserved(rmrr(0x60_0000n, 0x60_0fffn, ["endpoint 0:4.0"])) });
    expect(machine.boot()).toBe("halt");
    expect(machine.text).toContain("fatal 28 on core 0: the plan does not match the policy");
    expect(machine.text).toContain("memory with two uses 0x0000000000600000");
    expect(machine.unit.globalStatus >>> 31).toBe(0);
  });

  test("reserved memory over a VT-d unit", async () => {
    const partitions: DeviceOptions["partitions"] = [{ pci: [{ device: "00:04.0", reservedMemory: true }] }];
    const machine = await stoppedBy("SealPlan", { partitions, dmar: withReserved(rmrr(BigInt(UNIT), BigInt(UNIT) + 0xfffn, ["endpoint 0:4.0"])) });
    expect(machine.text).toContain("memory with two uses 0x00000000fed90000");
  });
});
