// Isolation groups by ACS, and the source ids that bridges stand in with.

import { beforeAll, describe, expect, test } from "vitest";
import { accessControl, express, EXPRESS_TYPE } from "../../machine/pci-capabilities.ts";
import { type SimulatedFunction, sourceId } from "../../machine/pci-function.ts";
import { compilePci, PciMachine } from "./pci-machine.ts";

const { endpoint, rootPort, upstreamPort, downstreamPort, expressToPci, pciToExpress, integrated } = EXPRESS_TYPE;

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compilePci();
}, 240_000);

interface Shape {
  /** Device/port type, or none for a conventional function. */
  type?: number;
  /** Capabilities of ACS; none without. */
  acs?: number;
  /** Buses behind a bridge. */
  buses?: [number, number];
  multi?: boolean;
}

const FULL = 0x1f;

/** A machine with these functions, scanned and grouped. */
function grouped(functions: Record<string, Shape>): { machine: PciMachine; targets: Map<string, SimulatedFunction> } {
  const machine = new PciMachine(module);
  const targets = new Map<string, SimulatedFunction>();
  for (const [address, shape] of Object.entries(functions)) {
    const target = machine.pci.add(address, { multiFunction: shape.multi ?? false });
    if (shape.buses !== undefined) target.bridge(...shape.buses);
    if (shape.type !== undefined) express(target, shape.type);
    if (shape.acs !== undefined) accessControl(target, shape.acs);
    targets.set(address, target);
  }
  machine.driver.scanFunctions();
  machine.driver.groupFunctions();
  return { machine, targets };
}

/** Addresses by group, each sorted as in the table. */
function groups(functions: Record<string, Shape>): string[][] {
  const { machine } = grouped(functions);
  const byGroup = new Map<number, string[]>();
  const addresses = Object.keys(functions).sort((a, b) => sourceId(a) - sourceId(b));
  for (const address of addresses) {
    const { group } = machine.record(machine.indexOf(address));
    byGroup.set(group, [...(byGroup.get(group) ?? []), address]);
  }
  for (const [group, members] of byGroup) expect(machine.indexOf(members[0]!)).toBe(group);
  return [...byGroup.values()];
}

describe("groups", () => {
  test("single functions of the root bus are apart, with PCI Express or not", () => {
    expect(groups({ "00:02.0": { type: integrated }, "00:03.0": {}, "00:04.0": { type: integrated } })).toEqual([["00:02.0"], ["00:03.0"], ["00:04.0"]]);
  });

  test("functions of one device are together, but for those with ACS", () => {
    expect(groups({
      "00:1f.0": { multi: true }, "00:1f.2": {}, "00:1f.3": { type: integrated, acs: FULL }, "00:1f.6": { type: integrated },
    })).toEqual([["00:1f.0", "00:1f.2", "00:1f.6"], ["00:1f.3"]]);
  });

  test("a function with ACS that is the first of its device does not hold the others together", () => {
    expect(groups({ "00:1f.0": { multi: true, type: integrated, acs: 0 }, "00:1f.1": {}, "00:1f.2": {} })).toEqual([["00:1f.0"], ["00:1f.1", "00:1f.2"]]);
  });

  test("a root port with ACS keeps what lies behind it apart", () => {
    expect(groups({
      "00:1c.0": { type: rootPort, acs: FULL, buses: [1, 1], multi: true }, "00:1c.1": { type: rootPort, acs: FULL, buses: [2, 2] },
      "01:00.0": { type: endpoint }, "02:00.0": { type: endpoint },
    })).toEqual([["00:1c.0"], ["00:1c.1"], ["01:00.0"], ["02:00.0"]]);
  });

  test("root ports of one device without ACS are together with all behind them", () => {
    expect(groups({
      "00:1c.0": { type: rootPort, buses: [1, 1], multi: true }, "00:1c.1": { type: rootPort, buses: [2, 2] },
      "00:1d.0": { type: rootPort, buses: [3, 3] },
      "01:00.0": { type: endpoint }, "02:00.0": { type: endpoint }, "03:00.0": { type: endpoint },
    })).toEqual([["00:1c.0", "00:1c.1", "01:00.0", "02:00.0"], ["00:1d.0", "03:00.0"]]);
  });

  const switchTree = (root?: number, up?: Shape, down?: number): Record<string, Shape> => ({
    "00:1c.0": { type: rootPort, buses: [1, 4], ...(root === undefined ? {} : { acs: root }) },
    "01:00.0": { type: upstreamPort, buses: [2, 4], ...up },
    "02:00.0": { type: downstreamPort, buses: [3, 3], ...(down === undefined ? {} : { acs: down }) },
    "02:01.0": { type: downstreamPort, buses: [4, 4], acs: FULL },
    "03:00.0": { type: endpoint },
    "04:00.0": { type: endpoint },
  });

  test("behind a switch with ACS on the whole path all are apart", () => {
    const single = groups(switchTree(FULL, {}, FULL));
    expect(single).toContainEqual(["03:00.0"]);
    expect(single).toContainEqual(["04:00.0"]);
  });

  test("a root port without ACS turns all of a good switch back", () => {
    expect(groups(switchTree(undefined, {}, FULL))).toEqual([["00:1c.0", "01:00.0", "02:00.0", "02:01.0", "03:00.0", "04:00.0"]]);
  });

  test("a downstream port without ACS concerns what lies behind it", () => {
    expect(groups(switchTree(FULL, {}, undefined))).toEqual([["00:1c.0"], ["01:00.0"], ["02:00.0", "03:00.0"], ["02:01.0"], ["04:00.0"]]);
  });

  test("an upstream port of a device with several functions needs ACS", () => {
    const tree = { ...switchTree(FULL, { multi: true }, FULL), "01:00.1": { type: endpoint } };
    expect(groups(tree)).toEqual([["00:1c.0"], ["01:00.0", "01:00.1", "02:00.0", "02:01.0", "03:00.0", "04:00.0"]]);
    const good = { ...switchTree(FULL, { multi: true, acs: FULL }, FULL), "01:00.1": { type: endpoint } };
    expect(groups(good)).toContainEqual(["03:00.0"]);
  });

  test.each([
    ["PCI Express to PCI", expressToPci],
    ["PCI to PCI Express", pciToExpress],
    ["conventional", undefined],
  ])("all behind a bridge, %s, is one group with it, whatever ACS it claims", (_what, type) => {
    expect(groups({
      "00:1c.0": { type: rootPort, acs: FULL, buses: [1, 3] },
      "01:00.0": { ...(type === undefined ? {} : { type }), acs: FULL, buses: [2, 3] },
      "02:00.0": {}, "02:01.0": { buses: [3, 3] }, "03:05.0": {},
    })).toEqual([["00:1c.0"], ["01:00.0", "02:00.0", "02:01.0", "03:05.0"]]);
  });

  test("an endpoint type on a bridge gives it no isolation", () => {
    expect(groups({ "00:1c.0": { type: endpoint, acs: FULL, buses: [1, 1] }, "01:00.0": {} })).toEqual([["00:1c.0", "01:00.0"]]);
  });

  test("behind a port device numbers are functions of one device (ARI)", () => {
    const { machine, targets } = grouped({
      "00:1c.0": { type: rootPort, acs: FULL, buses: [1, 1] }, "01:00.0": { type: endpoint }, "01:02.0": { type: endpoint }, "01:03.0": { type: endpoint, acs: FULL },
    });
    const port = targets.get("00:1c.0")!;
    port.bytes[port.offset(0x10) + 0x28] = 0x20;
    machine.driver.scanFunctions();
    machine.driver.groupFunctions();
    const groupOf = (address: string): number => machine.record(machine.indexOf(address)).group;
    expect(groupOf("01:02.0")).toBe(groupOf("01:00.0"));
    expect(groupOf("01:03.0")).toBe(machine.indexOf("01:03.0"));
    expect(groupOf("01:00.0")).toBe(machine.indexOf("01:00.0"));
  });
});

describe("ACS", () => {
  test.each([[0x7f, 0x1d], [0x1d, 0x1d], [0x05, 0x05], [0x42, 0x00]])("of capabilities %d the bits %d are switched on and all others off", (capabilities, control) => {
    const { machine, targets } = grouped({ "00:1c.0": { type: rootPort, acs: capabilities, buses: [1, 1] } });
    const target = targets.get("00:1c.0")!;
    const register = target.offset(0x1_000d) + 6;
    expect(target.bytes.readUInt16LE(register)).toBe(control);
    target.bytes.writeUInt16LE(0x62, register);
    machine.driver.groupFunctions();
    expect(target.bytes.readUInt16LE(register)).toBe(control);
    expect(machine.record(0).accessControl).toBe(1);
  });

  test("a port whose control does not take the bits isolates nothing", () => {
    const machine = new PciMachine(module);
    accessControl(express(machine.pci.add("00:1c.0").bridge(1), rootPort), FULL, 0x19);
    express(machine.pci.add("01:00.0"), endpoint);
    machine.driver.scanFunctions();
    machine.driver.groupFunctions();
    expect(machine.record(0).accessControl).toBe(0);
    expect(machine.record(1).group).toBe(0);
  });
});

describe("aliases", () => {
  const aliases = (functions: Record<string, Shape>, address: string): number[] => {
    const { machine } = grouped(functions);
    return machine.aliases(machine.indexOf(address));
  };
  const ids = (...addresses: string[]): number[] => addresses.map(sourceId);

  test("behind PCI Express ports a function has its own id only", () => {
    const tree: Record<string, Shape> = {
      "00:1c.0": { type: rootPort, buses: [1, 3] }, "01:00.0": { type: upstreamPort, buses: [2, 3] },
      "02:00.0": { type: downstreamPort, buses: [3, 3] }, "03:00.0": { type: endpoint },
    };
    for (const address of Object.keys(tree)) expect(aliases(tree, address)).toEqual(ids(address));
  });

  test("behind a PCI Express to PCI bridge its secondary bus stands in", () => {
    const tree: Record<string, Shape> = { "00:1c.0": { type: rootPort, buses: [1, 2] }, "01:00.0": { type: expressToPci, buses: [2, 2] }, "02:05.0": {} };
    expect(aliases(tree, "02:05.0")).toEqual(ids("02:05.0", "02:00.0"));
    expect(aliases(tree, "01:00.0")).toEqual(ids("01:00.0", "02:00.0"));
  });

  test("behind a conventional bridge the secondary bus or the bridge stands in", () => {
    expect(aliases({ "00:1e.0": { buses: [4, 4] }, "04:02.1": {}, "04:02.0": { multi: true } }, "04:02.1")).toEqual(ids("04:02.1", "04:00.0", "00:1e.0"));
  });

  test("of bridges behind bridges all are told", () => {
    expect(aliases({
      "00:1c.0": { type: rootPort, buses: [1, 3] }, "01:00.0": { type: expressToPci, buses: [2, 3] }, "02:01.0": { buses: [3, 3] }, "03:05.0": {},
    }, "03:05.0")).toEqual(ids("03:05.0", "03:00.0", "02:01.0", "02:00.0"));
  });

  test("after the last there is none", () => {
    const { machine } = grouped({ "00:02.0": {} });
    expect([0, 1, 2, 0xffff_ffff].map((n) => machine.driver.aliasAt(0, n) >>> 0)).toEqual([0x10, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff]);
  });
});
