// The scan of all buses, and the tree of bridges.

import { beforeAll, describe, expect, test } from "vitest";
import { express, EXPRESS_TYPE } from "../../machine/pci-capabilities.ts";
import { type SimulatedFunction, sourceId } from "../../machine/pci-function.ts";
import { enumReader, readConstants } from "../../machine/source-enums.ts";
import { compilePci, NONE, PciMachine } from "./pci-machine.ts";

const scanStatus = enumReader("planner/drivers/pci/functions.ts", "ScanStatus");
const NO_BUS = Number(readConstants("planner/drivers/pci/table.ts").get("NO_BUS"));

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compilePci();
}, 240_000);

/** A type 1 function. */
function bridge(machine: PciMachine, address: string, secondary: number, subordinate = secondary): SimulatedFunction {
  return machine.pci.add(address, { classCode: 0x06_0400 }).bridge(secondary, subordinate);
}

function addresses(machine: PciMachine): number[] {
  return Array.from({ length: machine.driver.functionCount() }, (_, i) => machine.record(i).sourceId);
}

describe("functions", () => {
  test("are recorded with what they say", () => {
    const machine = new PciMachine(module);
    express(machine.pci.add("00:1f.0", { vendor: 0x8086, device: 0x2918, classCode: 0x06_0100, multiFunction: true }), EXPRESS_TYPE.integrated);
    machine.pci.add("00:1f.3", { vendor: 0x8086, device: 0x2930, classCode: 0x0c_0500 });
    expect(machine.driver.scanFunctions()).toBe(scanStatus("Done"));
    expect(machine.driver.scanFailure() >>> 0).toBe(NONE);
    expect(machine.record(0)).toEqual({
      page: 0xb00f_8000n, segment: 0, sourceId: 0xf8, vendor: 0x2918_8086, classCode: 0x06_0100, headerType: 0x80, expressType: 9,
      secondaryBus: NO_BUS, subordinateBus: 0, parent: NONE, group: 0, accessControl: 0,
    });
    expect(machine.record(1)).toMatchObject({ sourceId: 0xfb, vendor: 0x2930_8086, expressType: 0xff, group: 1 });
    expect(machine.driver.functionCount()).toBe(2);
    expect(machine.driver.findFunction(0, 0xfb)).toBe(1);
    expect(machine.driver.findFunction(0, 0xfa) >>> 0).toBe(NONE);
    expect(machine.driver.findFunction(1, 0xfb) >>> 0).toBe(NONE);
  });

  test("a single function that answers for all numbers counts once", () => {
    const machine = new PciMachine(module);
    machine.pci.add("00:03.0");
    for (let number = 1; number < 8; number++) machine.pci.add(`00:03.${number}`);
    machine.driver.scanFunctions();
    expect(addresses(machine)).toEqual([sourceId("00:03.0")]);
  });

  test("are found on every bus, also where no bridge leads, and by a scan again", () => {
    const machine = new PciMachine(module);
    for (const address of ["00:00.0", "7f:1f.0", "80:00.0", "ff:1f.0"]) machine.pci.add(address);
    machine.driver.scanFunctions();
    machine.driver.scanFunctions();
    expect(addresses(machine)).toEqual(["00:00.0", "7f:1f.0", "80:00.0", "ff:1f.0"].map(sourceId));
  });

  test.each([0x0000_0000, 0xffff_0000, 0xffff_ffff, 0x1234_ffff])("vendor and device %d mean that none is there", (vendor) => {
    const machine = new PciMachine(module);
    machine.pci.add("00:01.0", { vendor: vendor & 0xffff, device: vendor >>> 16 });
    machine.driver.scanFunctions();
    expect(addresses(machine)).toEqual([]);
  });

  test("without ECAM they are found through ports", () => {
    const machine = new PciMachine(module, []);
    machine.pci.add("00:01.0");
    machine.pci.add("05:00.0");
    expect(machine.driver.scanFunctions()).toBe(scanStatus("Done"));
    expect(addresses(machine)).toEqual([sourceId("00:01.0"), sourceId("05:00.0")]);
    expect(machine.record(1).page).toBe(0x8005_0001n);
  });

  test("of several segments, one of them in two ranges, count once each", () => {
    const machine = new PciMachine(module, [
      { segment: 2, base: 0x1_0000_0000, firstBus: 0, lastBus: 0x0f },
      { segment: 0, base: 0xb000_0000, firstBus: 0, lastBus: 0xff },
      { segment: 2, base: 0x1_0000_0000, firstBus: 0x80, lastBus: 0x8f },
    ]);
    machine.pci.add("00:01.0");
    machine.pci.add("00:01.0", { segment: 2 });
    machine.pci.add("80:01.0", { segment: 2 });
    expect(machine.driver.scanFunctions()).toBe(scanStatus("Done"));
    expect(Array.from({ length: machine.driver.functionCount() }, (_, i) => [machine.record(i).segment, machine.record(i).sourceId])).toEqual([
      [0, 0x0008], [2, 0x0008], [2, 0x8008],
    ]);
  });

  test("behind a port with ARI forwarding all 256 numbers are looked at", () => {
    const machine = new PciMachine(module);
    const port = express(bridge(machine, "00:1c.0", 1), EXPRESS_TYPE.rootPort);
    machine.pci.add("01:00.0");
    machine.pci.add("01:01.1");
    machine.driver.scanFunctions();
    expect(addresses(machine)).toEqual([sourceId("00:1c.0"), sourceId("01:00.0")]);
    port.bytes[port.offset(0x10) + 0x28] = 0x20;
    machine.driver.scanFunctions();
    expect(addresses(machine)).toEqual([sourceId("00:1c.0"), sourceId("01:00.0"), sourceId("01:01.1")]);
  });

  function withFunctions(count: number): PciMachine {
    const machine = new PciMachine(module);
    for (let i = 0; i < count; i++) {
      const device = (i >> 3) & 0x1f;
      machine.pci.add(`${(i >> 8).toString(16)}:${device.toString(16)}.${i & 7}`, { multiFunction: true });
    }
    return machine;
  }

  test("1024 fit the table, the 1025th is told", () => {
    const full = withFunctions(1024);
    expect(full.driver.scanFunctions()).toBe(scanStatus("Done"));
    expect(full.driver.functionCount()).toBe(1024);
    const beyond = withFunctions(1025);
    expect(beyond.driver.scanFunctions()).toBe(scanStatus("TooManyFunctions"));
    expect(beyond.driver.functionCount()).toBe(1024);
    expect(beyond.record(1023).sourceId).toBe(0x3ff);
  });
});

describe("bridges", () => {
  test("every function knows the innermost bridge above it", () => {
    const machine = new PciMachine(module);
    bridge(machine, "00:1c.0", 1, 3);
    bridge(machine, "01:00.0", 2, 3);
    bridge(machine, "02:01.0", 3);
    machine.pci.add("03:00.0");
    machine.pci.add("00:02.0");
    expect(machine.driver.scanFunctions()).toBe(scanStatus("Done"));
    const parents = ["03:00.0", "02:01.0", "01:00.0"].map((address) => machine.record(machine.indexOf(address)).parent);
    expect(parents).toEqual(["02:01.0", "01:00.0", "00:1c.0"].map((address) => machine.indexOf(address)));
    for (const address of ["00:1c.0", "00:02.0"]) expect(machine.record(machine.indexOf(address)).parent).toBe(NONE);
    expect(machine.record(machine.indexOf("00:1c.0"))).toMatchObject({ secondaryBus: 1, subordinateBus: 3 });
  });

  test("a function on a bus within a bridge's range that no bridge starts lies behind that bridge", () => {
    const machine = new PciMachine(module);
    bridge(machine, "00:1c.0", 1, 4);
    machine.pci.add("03:00.0");
    machine.driver.scanFunctions();
    expect(machine.record(machine.indexOf("03:00.0")).parent).toBe(machine.indexOf("00:1c.0"));
  });

  test("bridges of another segment do not count", () => {
    const machine = new PciMachine(module, [
      { segment: 0, base: 0xb000_0000, firstBus: 0, lastBus: 0xff },
      { segment: 1, base: 0x1_0000_0000, firstBus: 0, lastBus: 0xff },
    ]);
    bridge(machine, "00:1c.0", 1);
    machine.pci.add("01:00.0", { segment: 1 });
    expect(machine.driver.scanFunctions()).toBe(scanStatus("Done"));
    expect(machine.record(machine.indexOf("01:00.0", 1)).parent).toBe(NONE);
  });

  test("a bridge that firmware left alone has nothing behind it and is no failure", () => {
    const machine = new PciMachine(module);
    bridge(machine, "00:1c.0", 0, 0);
    machine.pci.add("00:02.0");
    expect(machine.driver.scanFunctions()).toBe(scanStatus("Done"));
    expect(machine.record(machine.indexOf("00:1c.0"))).toMatchObject({ secondaryBus: NO_BUS, subordinateBus: 0, parent: NONE });
    expect(machine.record(machine.indexOf("00:02.0")).parent).toBe(NONE);
  });

  test.each([
    ["its own bus", "01:00.0", 1, 1],
    ["a bus above it", "02:00.0", 1, 3],
    ["bus 0 with others", "01:00.0", 0, 5],
    ["a range that ends before it starts", "01:00.0", 3, 2],
  ])("a bridge that leads to %s is named and not followed", (_what, address, secondary, subordinate) => {
    const machine = new PciMachine(module);
    bridge(machine, "00:1c.0", 1, 2);
    bridge(machine, address, secondary, subordinate);
    machine.pci.add("02:01.0");
    expect(machine.driver.scanFunctions()).toBe(scanStatus("BusNumbers"));
    const wrong = machine.indexOf(address);
    expect(machine.driver.scanFailure()).toBe(wrong);
    expect(machine.record(wrong)).toMatchObject({ secondaryBus: NO_BUS, parent: machine.indexOf("00:1c.0") });
    expect(machine.record(machine.indexOf("02:01.0")).parent).toBe(machine.indexOf("00:1c.0"));
    machine.driver.groupFunctions();
    expect(machine.aliases(wrong)[0]).toBe(sourceId(address));
  });

  test("two bridges that lead to each other's bus are named, and every path upwards ends", () => {
    const machine = new PciMachine(module);
    bridge(machine, "01:00.0", 2, 5);
    bridge(machine, "02:00.0", 1, 5);
    machine.pci.add("05:00.0");
    expect(machine.driver.scanFunctions()).toBe(scanStatus("BusNumbers"));
    expect(machine.driver.scanFailure()).toBe(machine.indexOf("02:00.0"));
    expect(machine.aliases(machine.indexOf("05:00.0"))).toContain(sourceId("01:00.0"));
  });

  test.each([
    ["the same bus", [1, 1], [1, 1]],
    ["ranges that cross", [1, 4], [3, 6]],
    ["a range within another one, side by side", [1, 6], [3, 4]],
  ])("two bridges of one bus with %s are named", (_what, first, second) => {
    const machine = new PciMachine(module);
    bridge(machine, "00:1c.0", first[0]!, first[1]);
    bridge(machine, "00:1d.0", second[0]!, second[1]);
    expect(machine.driver.scanFunctions()).toBe(scanStatus("BusNumbers"));
    expect(machine.driver.scanFailure()).toBe(machine.indexOf("00:1d.0"));
  });

  test("a bridge whose range goes beyond the one that it lies behind is named", () => {
    const machine = new PciMachine(module);
    bridge(machine, "00:1c.0", 1, 3);
    bridge(machine, "01:00.0", 2, 9);
    expect(machine.driver.scanFunctions()).toBe(scanStatus("BusNumbers"));
    expect(machine.driver.scanFailure()).toBe(machine.indexOf("01:00.0"));
  });

  test("only a function with nothing beside or behind it is alone behind its bridge", () => {
    const machine = new PciMachine(module);
    bridge(machine, "00:1c.0", 1, 2);
    bridge(machine, "01:00.0", 2);
    machine.pci.add("02:00.0");
    machine.pci.add("00:02.0");
    machine.driver.scanFunctions();
    const isAlone = (address: string): number => machine.driver.isAloneBehindBridge(machine.indexOf(address));
    expect(["02:00.0", "01:00.0", "00:1c.0", "00:02.0"].map(isAlone)).toEqual([1, 0, 0, 0]);
    machine.pci.add("02:01.0");
    machine.driver.scanFunctions();
    expect(isAlone("02:00.0")).toBe(0);
  });
});
