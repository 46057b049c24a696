// Bus mastering, address services, and what a core can do with its own function alone.

import { beforeAll, describe, expect, test } from "vitest";
import {
  addressTranslation, express, EXPRESS_TYPE, msi, pageRequests, processAddressSpaces, singleRootVirtualization,
} from "../../machine/pci-capabilities.ts";
import type { SimulatedFunction } from "../../machine/pci-function.ts";
import { ECAM } from "../../machine/pci.ts";
import { compilePci, PciCore, PciMachine } from "./pci-machine.ts";

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compilePci();
}, 240_000);

const command = (target: SimulatedFunction): number => target.bytes.readUInt16LE(4);

/** Two bridges, and a function behind them. */
function chain(): { machine: PciMachine; root: SimulatedFunction; below: SimulatedFunction; target: SimulatedFunction; other: SimulatedFunction } {
  const machine = new PciMachine(module);
  const root = machine.pci.add("00:1c.0").bridge(1, 2);
  const below = machine.pci.add("01:00.0").bridge(2);
  const target = machine.pci.add("02:00.0");
  const other = machine.pci.add("00:1d.0").bridge(3);
  machine.driver.scanFunctions();
  return { machine, root, below, target, other };
}

describe("bus mastering", () => {
  test("goes off and takes nothing else with it", () => {
    const { machine, target } = chain();
    target.bytes.writeUInt16LE(0x0547, 4);
    machine.driver.disableBusMastering(machine.indexOf("02:00.0"));
    expect(command(target)).toBe(0x0543);
    machine.driver.setBusMastering(machine.indexOf("02:00.0"), true);
    expect(command(target)).toBe(0x0547);
    machine.driver.setBusMastering(machine.indexOf("02:00.0"), false);
    expect(command(target)).toBe(0x0543);
  });

  test("goes on with all bridges above, and off without them", () => {
    const { machine, root, below, target, other } = chain();
    machine.driver.setBusMastering(machine.indexOf("02:00.0"), false);
    expect([root, below, target, other].map(command)).toEqual([0, 0, 0, 0]);
    machine.driver.setBusMastering(machine.indexOf("02:00.0"), true);
    expect([root, below, target, other].map(command)).toEqual([6, 6, 4, 0]);
    machine.driver.setBusMastering(machine.indexOf("02:00.0"), false);
    expect([root, below, target, other].map(command)).toEqual([6, 6, 0, 0]);
  });

  test("the path can be opened alone", () => {
    const { machine, root, below, target } = chain();
    machine.driver.openPath(machine.indexOf("02:00.0"));
    expect([root, below, target].map(command)).toEqual([6, 6, 0]);
  });

  test("a write of the command register does not clear the status bits that a 1 clears", () => {
    const { machine, target } = chain();
    const sizes: number[] = [];
    const write = target.write.bind(target);
    target.write = (offset, size, value) => {
      if (offset === 4) sizes.push(size);
      write(offset, size, value);
    };
    machine.driver.setBusMastering(machine.indexOf("02:00.0"), true);
    expect(sizes).toEqual([2]);
  });
});

describe("quiet functions", () => {
  function busy(): { machine: PciMachine; target: SimulatedFunction; page: bigint } {
    const machine = new PciMachine(module);
    const target = express(machine.pci.add("00:04.0"), EXPRESS_TYPE.endpoint);
    singleRootVirtualization(processAddressSpaces(pageRequests(addressTranslation(target, 16))));
    machine.driver.scanFunctions();
    target.bytes[4] = 7;
    for (let i = 0x40; i < 0x200; i++) target.bytes[i]! |= target.writable[i]!;
    return { machine, target, page: machine.pci.pageOf(target) };
  }
  const at = (target: SimulatedFunction, id: number, register: number): number => target.bytes.readUInt16LE(target.offset(id) + register);

  test("have no bus mastering, phantom functions, virtual functions, device TLB, page requests or PASIDs", () => {
    const { machine, target } = busy();
    machine.pci.add("00:1c.0").bridge(1).bytes[4] = 7;
    machine.driver.scanFunctions();
    machine.driver.quiesceFunctions();
    expect(command(target)).toBe(3);
    expect(machine.driver.configRead16(0, 0xe0, 4)).toBe(3);
    expect(at(target, 0x10, 8)).toBe(0x7fff & ~0x200);
    expect(at(target, 0x1_0010, 8)).toBe(0x1e);
    expect(at(target, 0x1_000f, 6)).toBe(0x001f);
    expect(at(target, 0x1_0013, 4)).toBe(2);
    expect(at(target, 0x1_001b, 6)).toBe(6);
  });

  test("ATS goes on for pages of 4 KiB, with page requests and PASIDs off, and off again", () => {
    const { machine: { driver }, target, page } = busy();
    expect(driver.hasDeviceTlb(page)).toBe(1);
    expect(driver.setDeviceTlbAt(page, true)).toBe(1);
    expect(at(target, 0x1_000f, 6)).toBe(0x8000);
    expect([at(target, 0x1_0013, 4), at(target, 0x1_001b, 6)]).toEqual([2, 6]);
    expect(driver.setDeviceTlbAt(page, false)).toBe(1);
    expect(at(target, 0x1_000f, 6)).toBe(0);
  });

  test("a function without ATS has no device TLB", () => {
    const machine = new PciMachine(module);
    const none = machine.pci.add("00:05.0");
    const { driver } = machine;
    const page = machine.pci.pageOf(none);
    expect([driver.hasDeviceTlb(page), driver.setDeviceTlbAt(page, true)]).toEqual([0, 0]);
  });
});

describe("a core with the page of its function and no table", () => {
  test("commands, resets and programs it", () => {
    const machine = new PciMachine(module);
    const target = machine.pci.add("02:00.0").bar(0, 0x1000, 0xfeb0_0000);
    addressTranslation(msi(express(target, EXPRESS_TYPE.endpoint, { flr: true }), { wide: true }));
    const page = machine.pci.pageOf(target);
    const end = ECAM.base + 256 * 0x10_0000;
    machine.memory.forbid(ECAM.base, Number(page) - ECAM.base);
    machine.memory.forbid(Number(page) + 4096, end - Number(page) - 4096);
    const { driver, ports } = new PciCore(module, { clock: machine.clock, memory: machine.memory });

    driver.setCommand(page, 0x402, true);
    expect(command(target)).toBe(0x402);
    driver.setBusMasterAt(page, true);
    expect(command(target)).toBe(0x406);
    expect(driver.programMsiAt(page, 0xfee0_0010n, 0)).toBe(0);
    expect(driver.enableMsiAt(page, true)).toBe(0);
    expect(driver.setDeviceTlbAt(page, true)).toBe(1);
    expect(driver.resetFunctionAt(page, 0n)).toBe(0);
    expect(target.resets).toEqual(["FLR"]);
    expect(target.tooEarly).toBe(0);
    expect(command(target)).toBe(0x402);
    expect(target.bytes.readUInt32LE(0x10)).toBe(0xfeb0_0000);
    expect(target.bytes.readUInt32LE(target.offset(0x05) + 4)).toBe(0xfee0_0010);
    driver.quiesceAt(page);
    expect(target.bytes.readUInt16LE(target.offset(0x1_000f) + 6)).toBe(0);
    expect(ports.writes).toEqual([]);
    expect(() => driver.pageRead32(page + 0x1000n, 0)).toThrow("forbidden");
  });
});
