// Devices behind bridges to conventional PCI, whose requests reach VT-d under source ids of the bridge.

import { beforeEach, describe, expect, test } from "vitest";
import { EXPRESS_TYPE, advancedFeatures } from "../machine/pci-capabilities.ts";
import type { SimulatedFunction } from "../machine/pci-function.ts";
import type { SimulatedPci } from "../machine/pci.ts";
import { compileKernel } from "./kernel-machine.ts";
import { startedWithDevices, type DeviceMachine, type DeviceOptions } from "./assignment-machine.ts";
import { addBridge, addCard } from "./device-functions.ts";

const DEVICE = 0x118; // 01:03.0
const SIBLING = 0x108; // 01:01.0
const SECONDARY = 0x100; // 01:00.0, whether or not a function is there
const BRIDGE = 0xe0; // 00:1c.0
const VECTOR = 0x50;
const NOT_PRESENT = 0x2;
const WRONG_SOURCE = 0x26;
const DATA = Buffer.from("bulkhead");
const MSI_ADDRESS = 4;
const MSI_DATA = 8;

beforeEach(() => void compileKernel(), 240_000);

function behind(type: number | "none", keep?: (device: SimulatedFunction) => void): (pci: SimulatedPci) => void {
  return (pci) => {
    addBridge(pci, "00:1c.0", 1, type);
    for (const address of ["01:01.0", "01:03.0"]) {
      const card = advancedFeatures(addCard(pci, address, { type: "none" }));
      if (address === "01:03.0") keep?.(card);
    }
  };
}

async function started(type: number | "none", owned = ["01:03.0"]): Promise<{ machine: DeviceMachine; device: SimulatedFunction }> {
  let device: SimulatedFunction | undefined;
  const partitions: DeviceOptions["partitions"] = [{ pci: owned.map((one) => ({ device: one })) }, {}];
  const machine = await startedWithDevices({ partitions, pci: behind(type, (one) => (device = one)) });
  return { machine, device: device! };
}

function dma(machine: DeviceMachine, sourceId: number): number | undefined {
  return machine.unit.dma(sourceId, 0x1000n, DATA.length, true).blocked;
}

/** Sends the message that the kernel programmed, under another source id. */
function send(machine: DeviceMachine, device: SimulatedFunction, sourceId: number): unknown {
  const at = device.offset(5);
  return machine.unit.message(sourceId, device.bytes.readUInt32LE(at + MSI_ADDRESS), device.bytes.readUInt16LE(at + MSI_DATA));
}

describe("behind a bridge from PCI Express to PCI", () => {
  test("DMA arrives under the device's own id and as the first function of the bridge's bus", async () => {
    const { machine } = await started(EXPRESS_TYPE.expressToPci);
    for (const source of [DEVICE, SECONDARY]) {
      expect(machine.unit.deviceWrite(source, 0x1000n, DATA), source.toString(16)).toBe(true);
      expect(machine.memory.readBytes(Number(machine.memoryBase(0)) + 0x1000, DATA.length)).toEqual(DATA);
      expect(machine.unit.dma(source, 0x50_0000n, 8, true).blocked).toBeDefined();
    }
  });

  test("DMA under the ids of the bridge itself and of a sibling is blocked", async () => {
    const { machine } = await started(EXPRESS_TYPE.expressToPci);
    for (const source of [BRIDGE, SIBLING, 0x120, 0x119]) expect(dma(machine, source), source.toString(16)).toBe(NOT_PRESENT);
  });

  test("messages arrive under any id of the bridge's buses, and under no other", async () => {
    const { machine, device } = await started(EXPRESS_TYPE.expressToPci);
    for (const source of [DEVICE, SECONDARY]) expect(send(machine, device, source)).toEqual({ vector: VECTOR, destination: 0 });
    for (const source of [BRIDGE, 0x20, 0x200]) expect(send(machine, device, source)).toMatchObject({ blocked: WRONG_SOURCE });
  });
});

describe("behind a bridge of conventional PCI", () => {
  test("DMA arrives under the device's own id, the bridge's, and as the first function of its bus", async () => {
    const { machine } = await started("none");
    for (const source of [DEVICE, SECONDARY, BRIDGE]) expect(dma(machine, source), source.toString(16)).toBeUndefined();
    for (const source of [SIBLING, 0xe1, 0x101, 0x120]) expect(dma(machine, source), source.toString(16)).toBe(NOT_PRESENT);
  });

  test("messages arrive under the bridge's id alone", async () => {
    const { machine, device } = await started("none");
    expect(send(machine, device, BRIDGE)).toEqual({ vector: VECTOR, destination: 0 });
    for (const source of [SIBLING, 0xe1, 0x20]) expect(send(machine, device, source)).toMatchObject({ blocked: WRONG_SOURCE });
  });
});

describe.each<[string, number | "none"]>([
  ["from PCI Express", EXPRESS_TYPE.expressToPci],
  ["of conventional PCI", "none"],
])("two devices behind one bridge %s", (_, type) => {
  test("share their aliases in one partition", async () => {
    const { machine } = await started(type, ["01:01.0", "01:03.0"]);
    for (const source of [DEVICE, SIBLING, SECONDARY]) expect(dma(machine, source), source.toString(16)).toBeUndefined();
    expect(machine.unit.protocolErrors).toEqual([]);
  });
});

test("a fault under an alias counts against the partition that owns the device", async () => {
  const { machine } = await started(EXPRESS_TYPE.expressToPci);
  machine.unit.dma(SECONDARY, 0x50_0000n, 8, true);
  expect(() => machine.faultInterrupt()).toThrow();
  expect(machine.text).toContain("vtd unit 0: 01:00.0 of guest0: write at 0x0000000000500000 blocked");
  expect(machine.text).toContain("partition guest0 stopped: its device tried what it may not");
});
