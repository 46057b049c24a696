// Devices of the policy that the machine does not have, or that cannot be given away: one line each, then the boot stops.

import { beforeEach, describe, expect, test } from "vitest";
import { extendedCapability } from "../machine/remapping-capability.ts";
import { addressTranslation, EXPRESS_TYPE, express, msix } from "../machine/pci-capabilities.ts";
import type { SimulatedPci } from "../machine/pci.ts";
import { compileKernel } from "./kernel-machine.ts";
import { CARD_BAR, startedWithDevices, UNIT, type DeviceOptions } from "./assignment-machine.ts";
import { addBridge, addCard, fatalReason, refusals } from "./device-functions.ts";
import { drhd, type Structure } from "../drivers/dmar-table.ts";

const ABSENT = "this machine has no such function; the lines that begin with pci: name those it has";
const DISK_OWNER = [{ pci: [{ device: "00:04.0" }] }];

function addTranslatingCard(pci: SimulatedPci, address: string, type: number): void {
  addressTranslation(addCard(pci, address, { type }));
}

beforeEach(() => void compileKernel(), 240_000);

test("the reason has the number that users report", () => {
  expect(fatalReason("DevicesRefused")).toBe(24);
});

describe("a device that cannot be found", () => {
  test.each([
    ["an address without a function", "00:07.0", "device 00:07.0 of guest0"],
    ["an address in a segment that is not there", "0001:00:04.0", "device 0001:00:04.0 of guest0"],
    ["an identity that no function has", "8086:ffff", "device 8086:ffff of guest0"],
  ])("%s", async (_, device, named) => {
    expect(await refusals({ partitions: [{ pci: [{ device }] }] })).toEqual([`${named}: ${ABSENT}`]);
  });

  test("an identity that two functions have", async () => {
    const lines = await refusals({ partitions: [{ pci: [{ device: "8086:10d3" }] }], pci: (pci) => void addCard(pci, "00:07.0", { vendor: 0x8086, device: 0x10d3 }) });
    expect(lines).toEqual(["device 8086:10d3 of guest0: this machine has 2 of them; name one by its address, such as 00:07.0"]);
  });

  test("a bridge, by its address and by its identity", async () => {
    const pci = [{ device: "00:1c.0" }, { device: "1b36:000c" }];
    const lines = await refusals({
      partitions: [{ pci }],
      pci: (machine) => void express(machine.add("00:1c.0", { vendor: 0x1b36, device: 0x000c, classCode: 0x06_0400 }).bridge(1), EXPRESS_TYPE.rootPort),
    });
    expect(lines).toEqual(["device 00:1c.0 of guest0: it is a bridge, which is not given away", `device 1b36:000c of guest0: ${ABSENT}`]);
  });

  test("one function named twice, by address and by identity, whoever it is for", async () => {
    const twice = "another entry of the policy names the same function";
    const other = [{ pci: [{ device: "00:05.0" }] }, { pci: [{ device: "8086:10d3" }] }];
    expect(await refusals({ partitions: other })).toEqual([`device 8086:10d3 of guest1: ${twice}`]);
    expect(await refusals({ partitions: [{ pci: [{ device: "8086:10d3" }, { device: "00:05.0" }] }] })).toEqual([`device 00:05.0 of guest0: ${twice}`]);
  });

  test("all that is wrong is told before the boot stops", async () => {
    expect(await refusals({ partitions: [{ pci: [{ device: "00:07.0" }, { device: "00:06.0" }] }, { pci: [{ device: "8086:ffff" }] }] })).toHaveLength(3);
  });
});

describe("a device that cannot be given away", () => {
  const NO_RESET = "it cannot be reset, so that it might carry what it holds to its next owner; withoutReset: true accepts this";

  test("without a reset, unless the policy accepts that", async () => {
    expect(await refusals({ partitions: [{ pci: [{ device: "00:06.0" }] }] })).toEqual([`device 00:06.0 of guest0: ${NO_RESET}`]);
    const machine = await startedWithDevices({ partitions: [{ pci: [{ device: "00:06.0", withoutReset: true }] }] });
    expect(machine.unit.deviceWrite(0x30, 0x1000n, Buffer.from("data"))).toBe(true);
  });

  test("deviceTlb where the function has no ATS, or its unit does not serve device TLBs", async () => {
    const partitions = [{ pci: [{ device: "00:07.0", deviceTlb: true }] }];
    const line = "device 00:07.0 of guest0: deviceTlb: the function or its VT-d unit (ECAP.DT) has none";
    const unit = { extended: extendedCapability({ deviceTlb: true }) };
    expect(await refusals({ partitions, unit, pci: (pci) => void addCard(pci, "00:07.0") })).toEqual([line]);
    const pci = (machine: SimulatedPci): void => addTranslatingCard(machine, "00:07.0", EXPRESS_TYPE.integrated);
    expect(await refusals({ partitions, pci })).toEqual([line]);
    const machine = await startedWithDevices({ partitions, unit, pci });
    expect(machine.unit.deviceTlbDma(0x38, 0x1000n, true).blocked).toBeUndefined();
  });

  test("deviceTlb behind a root port that the DMAR table does not name for ATS", async () => {
    const options = (...ports: Structure[]): DeviceOptions => ({
      partitions: [{ pci: [{ device: "01:00.0", deviceTlb: true }] }],
      unit: { extended: extendedCapability({ deviceTlb: true }) },
      dmar: [drhd(UNIT, ["ioapic #0 ff:0.0"], { flags: 1 }), ...ports],
      pci: (pci) => {
        addBridge(pci, "00:1c.0", 1, EXPRESS_TYPE.rootPort);
        addTranslatingCard(pci, "01:00.0", EXPRESS_TYPE.endpoint);
      },
    });
    const ports = (scope: string): Structure => ({ type: "ATSR", flags: 0, segment: 0, scopes: [scope] });
    const line = "device 01:00.0 of guest0: deviceTlb: the DMAR table (ATSR) does not name its root port";
    expect(await refusals(options())).toEqual([line]);
    expect(await refusals(options(ports("bridge 0:1d.0")))).toEqual([line]);
    const machine = await startedWithDevices(options(ports("bridge 0:1c.0")));
    expect(machine.unit.deviceTlbDma(0x100, 0x1000n, true).blocked).toBeUndefined();
  });

  test("that no unit serves", async () => {
    const lines = await refusals({ partitions: DISK_OWNER, dmar: [drhd(UNIT, ["ioapic #0 ff:0.0", "endpoint 0:5.0"])] });
    expect(lines).toEqual(["device 00:04.0 of guest0: no VT-d unit serves it"]);
  });

  test("whose configuration space is not in memory", async () => {
    const lines = await refusals({
      partitions: [{ pci: [{ device: "02:00.0" }] }],
      pci: (pci) => {
        addBridge(pci, "00:1c.0", 2, EXPRESS_TYPE.rootPort);
        addCard(pci, "02:00.0", { type: EXPRESS_TYPE.endpoint });
      },
    });
    expect(lines).toEqual(["device 02:00.0 of guest0: its configuration space is not in memory (no MCFG table), where its partition's core needs it"]);
  });

  test("that has neither MSI nor MSI-X", async () => {
    const pci = (machine: SimulatedPci): void => void express(machine.add("00:07.0"), EXPRESS_TYPE.integrated, { flr: true });
    const lines = await refusals({ partitions: [{ pci: [{ device: "00:07.0" }] }], pci });
    expect(lines).toEqual(["device 00:07.0 of guest0: it has neither MSI nor MSI-X, and line interrupts are not given away"]);
  });

  test.each([
    ["behind the end of its BAR", 0x1000],
    ["with its last entry behind the end", 0xff8],
    ["in a BAR that it does not have", 0x1],
    ["in a BAR number that there is not", 0x7],
  ])("whose MSI-X table lies %s", async (_, place) => {
    const lines = await refusals({
      partitions: [{ pci: [{ device: "00:07.0" }] }],
      pci: (pci) => void msix(express(pci.add("00:07.0").bar(0, 0x1000, CARD_BAR + 0x1_0000), EXPRESS_TYPE.integrated, { flr: true }), 2, place),
    });
    expect(lines).toEqual(["device 00:07.0 of guest0: its MSI-X table does not lie in its memory"]);
  });
});
