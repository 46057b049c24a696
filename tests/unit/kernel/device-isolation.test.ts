// Functions that can reach each other before VT-d sees their requests go to one partition, or the system is refused.

import { beforeEach, describe, expect, test } from "vitest";
import { EXPRESS_TYPE, accessControl } from "../machine/pci-capabilities.ts";
import type { SimulatedPci } from "../machine/pci.ts";
import { compileKernel } from "./kernel-machine.ts";
import { startedWithDevices } from "./assignment-machine.ts";
import { addBridge, addCard, linesOf, refusals, stoppedBy } from "./device-functions.ts";

beforeEach(() => void compileKernel(), 240_000);

function split(first: string, second: string): { pci: { device: string }[] }[] {
  return [{ pci: [{ device: first }] }, { pci: [{ device: second }] }];
}

function reaches(device: string, other: string): string {
  return `device ${device} of guest1: it can reach ${other} of guest0 without passing VT-d (no ACS between them); give both to one partition`;
}

const FUNCTIONS = (withAccessControl: boolean) => (pci: SimulatedPci): void => {
  for (const address of ["00:07.0", "00:07.1"]) {
    const card = addCard(pci, address, { multiFunction: true });
    if (withAccessControl) accessControl(card);
  }
};

/** A port or bridge with two devices behind it, which have ACS of their own. */
const BEHIND = (type: number | "none", withAccessControl: boolean) => (pci: SimulatedPci): void => {
  const bridge = addBridge(pci, "00:1c.0", 1, type);
  if (withAccessControl) accessControl(bridge);
  for (const address of ["01:00.0", "01:01.0"]) accessControl(addCard(pci, address, { type: EXPRESS_TYPE.endpoint }));
};

describe("two partitions in one group", () => {
  test.each([
    ["functions of one device without ACS", FUNCTIONS(false), "00:07.0", "00:07.1"],
    ["behind a bridge of conventional PCI", BEHIND("none", false), "01:00.0", "01:01.0"],
    ["behind a bridge from PCI Express to PCI", BEHIND(EXPRESS_TYPE.expressToPci, false), "01:00.0", "01:01.0"],
    ["behind a root port without ACS", BEHIND(EXPRESS_TYPE.rootPort, false), "01:00.0", "01:01.0"],
    ["behind a switch port without ACS", BEHIND(EXPRESS_TYPE.downstreamPort, false), "01:00.0", "01:01.0"],
  ])("%s: refused", async (_, pci, first, second) => {
    expect(await refusals({ partitions: split(first, second), pci })).toEqual([reaches(second, first)]);
  });

  test("named in the other order, the later one is refused", async () => {
    expect(await refusals({ partitions: split("00:07.1", "00:07.0"), pci: FUNCTIONS(false) })).toEqual([reaches("00:07.0", "00:07.1")]);
  });

  test("each pair is told", async () => {
    const partitions = [{ pci: [{ device: "00:07.0" }, { device: "00:07.1" }] }, { pci: [{ device: "00:07.2" }] }];
    const pci = (machine: SimulatedPci): void => {
      FUNCTIONS(false)(machine);
      addCard(machine, "00:07.2", { multiFunction: true });
    };
    expect(await refusals({ partitions, pci })).toEqual([reaches("00:07.2", "00:07.0"), reaches("00:07.2", "00:07.1")]);
  });

  test.each([
    ["functions of one device with ACS", FUNCTIONS(true), "00:07.0", "00:07.1"],
    ["behind a root port with ACS", BEHIND(EXPRESS_TYPE.rootPort, true), "01:00.0", "01:01.0"],
  ])("%s: each reaches its own partition alone", async (_, pci, first, second) => {
    const machine = await startedWithDevices({ partitions: split(first, second), pci });
    expect(linesOf(machine, "pci: not isolated")).toEqual([]);
    expect(linesOf(machine, `vtd: ${first}`)[0]).toContain(`belongs to guest0: unit 0, group of ${first}`);
    expect(linesOf(machine, `vtd: ${second}`)[0]).toContain(`belongs to guest1: unit 0, group of ${second}`);
  });
});

describe("one partition", () => {
  test("may have all of a group, and the log names its members", async () => {
    const machine = await startedWithDevices({
      partitions: [{ pci: [{ device: "01:00.0" }, { device: "01:01.0" }] }, {}],
      pci: BEHIND(EXPRESS_TYPE.rootPort, false),
    });
    expect(linesOf(machine, "pci: not isolated")).toEqual(["pci: not isolated from each other: 00:1c.0 (bridge) 01:00.0 01:01.0"]);
    for (const source of [0x100, 0x108]) expect(machine.unit.dma(source, 0x1000n, 8, true).blocked).toBeUndefined();
  });

  test("may have one of a group: the member that nobody owns stays without DMA", async () => {
    const machine = await startedWithDevices({ partitions: [{ pci: [{ device: "01:00.0" }] }, {}], pci: BEHIND(EXPRESS_TYPE.rootPort, false) });
    expect(machine.unit.dma(0x100, 0x1000n, 8, true).blocked).toBeUndefined();
    expect(machine.unit.dma(0x108, 0x1000n, 8, true).blocked).toBe(0x2);
    const sibling = machine.memory.read(0xb000_0000 + 0x108 * 4096 + 4, 2);
    expect(sibling & 4n).toBe(0n);
  });
});

test("bridges that lead in circles: nobody knows who reaches whom, so that no device is given away", async () => {
  const pci = (machine: SimulatedPci): void => {
    addBridge(machine, "00:1c.0", 1, EXPRESS_TYPE.rootPort);
    addBridge(machine, "00:1d.0", 1, EXPRESS_TYPE.rootPort);
    addCard(machine, "01:00.0", { type: EXPRESS_TYPE.endpoint });
  };
  const machine = await stoppedBy("PciScan", { partitions: split("00:04.0", "01:00.0"), pci });
  expect(machine.lines.at(-1)).toMatch(/: 00:1d\.0$/);
  const without = await startedWithDevices({ partitions: [{}], pci });
  expect(without.unit.globalStatus >>> 31).toBe(1);
});
