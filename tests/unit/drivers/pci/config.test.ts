// Access to configuration space, and the capability lists in it.

import { beforeAll, describe, expect, test } from "vitest";
import { accessControl, express, EXPRESS_TYPE, msi, powerManagement } from "../../machine/pci-capabilities.ts";
import { sourceId } from "../../machine/pci-function.ts";
import { compilePci, PciMachine } from "./pci-machine.ts";

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compilePci();
}, 240_000);

const ADDRESS = "02:05.3";
const ID = sourceId(ADDRESS);

describe.each([["ECAM", true], ["mechanism 1", false]])("%s", (_name, hasEcam) => {
  function withFunction(): PciMachine {
    const machine = hasEcam ? new PciMachine(module) : new PciMachine(module, []);
    const target = machine.pci.add(ADDRESS, { vendor: 0x8086, device: 0x10d3 });
    target.writable.fill(0xff, 0x40, 0x100);
    return machine;
  }

  test("reads and writes of each size, at each place in the u32", () => {
    const { driver } = withFunction();
    expect(driver.configRead32(0, ID, 0) >>> 0).toBe(0x10d3_8086);
    expect([driver.configRead16(0, ID, 0), driver.configRead16(0, ID, 2)]).toEqual([0x8086, 0x10d3]);
    driver.configWrite32(0, ID, 0x40, 0x4433_2211);
    driver.configWrite16(0, ID, 0x46, 0x8877);
    driver.configWrite8(0, ID, 0x45, 0x66);
    expect([0x40, 0x41, 0x42, 0x43].map((offset) => driver.configRead8(0, ID, offset))).toEqual([0x11, 0x22, 0x33, 0x44]);
    expect(driver.configRead32(0, ID, 0x44) >>> 0).toBe(0x8877_6600);
  });

  test("the way is the one that the machine has", () => {
    const { driver, pci } = withFunction();
    driver.configRead32(0, ID, 0);
    expect(pci.portAccesses).toBe(hasEcam ? 0 : 1);
    expect(driver.hasExtendedConfig(0)).toBe(hasEcam ? 1 : 0);
  });

  test("an absent function gives all ones and takes nothing", () => {
    const { driver } = withFunction();
    driver.configWrite32(0, ID + 1, 0x40, 5);
    expect(driver.configRead32(0, ID + 1, 0x40) >>> 0).toBe(0xffff_ffff);
    expect(driver.configRead32(0, ID, 0x40)).toBe(0);
  });
});

test("ports reach 256 bytes of segment 0 and nothing else", () => {
  const machine = new PciMachine(module, []);
  const target = machine.pci.add(ADDRESS);
  target.bytes.fill(0x5a, 0x100);
  const { driver } = machine;
  expect(driver.configRead8(0, ID, 0x100)).toBe(0xff);
  expect(driver.configRead16(0, ID, 0xffe)).toBe(0xffff);
  driver.configWrite32(0, ID, 0x104, 0);
  expect(machine.pci.portAccesses).toBe(0);
  expect(driver.configPage(1, ID)).toBe(0n);
  expect(driver.configRead32(1, ID, 0) >>> 0).toBe(0xffff_ffff);
  driver.configWrite32(1, ID, 4, 7);
  expect(machine.pci.portAccesses).toBe(0);
});

test("a bus beyond the ECAM of segment 0 is reached through ports, one of another segment not at all", () => {
  const machine = new PciMachine(module, [
    { segment: 0, base: 0xb000_0000, firstBus: 0, lastBus: 3 },
    { segment: 7, base: 0xc000_0000, firstBus: 0x10, lastBus: 0x11 },
  ]);
  machine.pci.add("04:00.0", { vendor: 0xaaaa });
  machine.pci.add("10:00.0", { segment: 7, vendor: 0xbbbb });
  const { driver } = machine;
  expect(driver.configRead16(0, 0x400, 0)).toBe(0xaaaa);
  expect(machine.pci.portAccesses).toBe(1);
  expect(driver.configRead16(7, 0x1000, 0)).toBe(0xbbbb);
  expect(driver.configPage(7, 0x1000)).toBe(0xc100_0000n);
  expect(driver.configPage(7, 0x1200)).toBe(0n);
});

test("offsets beyond the 4 KiB of a function do not reach the next one", () => {
  const machine = new PciMachine(module);
  const page = machine.pci.pageOf(machine.pci.add("00:01.0"));
  machine.pci.add("00:01.1", { vendor: 0x1111 });
  expect(machine.driver.pageRead16(page, 0x1000)).toBe(0xffff);
  machine.driver.pageWrite16(page, 0x1004, 7);
  expect(machine.driver.pageRead16(page + 0x1000n, 4)).toBe(0);
});

describe("capabilities", () => {
  function withCapabilities(): { machine: PciMachine; page: bigint; target: ReturnType<PciMachine["pci"]["add"]> } {
    const machine = new PciMachine(module);
    const target = machine.pci.add(ADDRESS);
    accessControl(msi(express(powerManagement(target), EXPRESS_TYPE.endpoint)));
    target.extended(0x19, Buffer.alloc(8));
    return { machine, page: machine.pci.pageOf(target), target };
  }

  test("are found wherever they are in the list", () => {
    const { machine: { driver }, page, target } = withCapabilities();
    for (const id of [0x01, 0x10, 0x05]) expect(driver.capabilityAt(page, id)).toBe(target.offset(id));
    for (const id of [0x0d, 0x19]) expect(driver.extendedCapabilityAt(page, id)).toBe(target.offset(0x1_0000 | id));
    expect(driver.findCapability(0, ID, 0x05)).toBe(target.offset(0x05));
    expect(driver.findExtendedCapability(0, ID, 0x19)).toBe(target.offset(0x1_0019));
    expect(driver.capabilityAt(page, 0x11)).toBe(0);
    expect(driver.extendedCapabilityAt(page, 0x0f)).toBe(0);
  });

  test("are none without the bit in the status register", () => {
    const { machine: { driver }, page, target } = withCapabilities();
    target.bytes[0x06]! &= ~0x10;
    expect(driver.capabilityAt(page, 0x05)).toBe(0);
  });

  test("of a CardBus bridge start at 0x14", () => {
    const { machine: { driver }, page, target } = withCapabilities();
    target.bytes[0x0e] = 2;
    target.bytes[0x14] = target.offset(0x05);
    target.bytes[0x34] = 0;
    expect(driver.capabilityAt(page, 0x05)).toBe(target.offset(0x05));
  });

  test("a list that leads back to itself ends, and what comes before is found", () => {
    const { machine: { driver }, page, target } = withCapabilities();
    target.bytes[target.offset(0x05) + 1] = target.offset(0x01);
    expect(driver.capabilityAt(page, 0x05)).toBe(target.offset(0x05));
    expect(driver.capabilityAt(page, 0x11)).toBe(0);
    target.bytes[target.offset(0x01) + 1] = target.offset(0x01);
    expect(driver.capabilityAt(page, 0x05)).toBe(0);
  });

  test("an extended list that leads back to itself ends", () => {
    const { machine: { driver }, page, target } = withCapabilities();
    target.bytes.writeUInt16LE((target.offset(0x1_000d) << 4) | 1, target.offset(0x1_0019) + 2);
    expect(driver.extendedCapabilityAt(page, 0x19)).toBe(target.offset(0x1_0019));
    expect(driver.extendedCapabilityAt(page, 0x0f)).toBe(0);
  });

  test.each([0x00, 0x04, 0x3c])("a pointer into the header (%d) ends the list", (pointer) => {
    const { machine: { driver }, page, target } = withCapabilities();
    target.bytes[0x34] = pointer;
    expect(driver.capabilityAt(page, 0x05)).toBe(0);
  });

  test("an extended pointer below 0x100 ends the list", () => {
    const { machine: { driver }, page, target } = withCapabilities();
    target.bytes.writeUInt16LE((0x40 << 4) | 1, target.offset(0x1_000d) + 2);
    expect(driver.extendedCapabilityAt(page, 0x19)).toBe(0);
  });

  test("a conventional function has no extended ones, whatever lies there", () => {
    const machine = new PciMachine(module);
    const target = msi(machine.pci.add(ADDRESS));
    accessControl(target);
    expect(machine.driver.extendedCapabilityAt(machine.pci.pageOf(target), 0x0d)).toBe(0);
  });

  test("without ECAM there are no extended ones", () => {
    const machine = new PciMachine(module, []);
    accessControl(express(machine.pci.add(ADDRESS), EXPRESS_TYPE.endpoint));
    expect(machine.driver.findCapability(0, ID, 0x10)).toBe(0x40);
    expect(machine.driver.findExtendedCapability(0, ID, 0x0d)).toBe(0);
  });

  test("an absent function has none", () => {
    const { driver } = new PciMachine(module);
    expect(driver.findCapability(0, ID, 0xff)).toBe(0);
    expect(driver.findExtendedCapability(0, ID, 0xffff)).toBe(0);
  });
});
