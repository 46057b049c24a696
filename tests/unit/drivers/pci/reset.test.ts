// Ways to reset a function, their waits, and what it gets back.

import { beforeAll, describe, expect, test } from "vitest";
import {
  accessControl, addressTranslation, advancedFeatures, express, EXPRESS_TYPE, msi, msix, powerManagement, resizableBars,
} from "../../machine/pci-capabilities.ts";
import type { SimulatedFunction } from "../../machine/pci-function.ts";
import { enumReader } from "../../machine/source-enums.ts";
import { compilePci, PciMachine } from "./pci-machine.ts";

const method = enumReader("drivers/pci/reset-method.ts", "ResetMethod");
const status = enumReader("drivers/pci/reset-function.ts", "ResetStatus");

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compilePci();
}, 240_000);

interface Subject {
  machine: PciMachine;
  target: SimulatedFunction;
  index: number;
  port: SimulatedFunction;
}

/** A function alone behind a root port, with memory, ports and bus mastering on. */
function withFunction(prepare: (target: SimulatedFunction) => void): Subject {
  const machine = new PciMachine(module);
  const port = express(machine.pci.add("00:1c.0", { classCode: 0x06_0400 }), EXPRESS_TYPE.rootPort).bridge(1);
  const target = machine.pci.add("01:00.0").bar(0, 0x2_0000, 0xfebc_0000).bar(2, 0x4000, 0x38_0000_0000, 0xc);
  prepare(target);
  target.bytes[4] = 7;
  target.bytes[0x3c] = 11;
  machine.driver.scanFunctions();
  return { machine, target, port, index: machine.indexOf("01:00.0") };
}

/** A second function, so that the bus cannot be reset. */
const addSibling = ({ machine }: Subject): void => {
  machine.pci.add("01:01.0");
  machine.driver.scanFunctions();
};

function milliseconds(machine: PciMachine, run: () => void): number {
  const before = machine.clock.now;
  run();
  return Number(((machine.clock.now - before) * 1000n) / machine.clock.frequency);
}

const allResets = (target: SimulatedFunction): void => {
  powerManagement(advancedFeatures(express(target, EXPRESS_TYPE.endpoint, { flr: true })));
};

describe("the method", () => {
  test.each<[string, (target: SimulatedFunction) => void, string, string]>([
    ["function-level reset before all others", allResets, "FunctionLevel", "FunctionLevel"],
    ["AF when PCI Express has none", (target) => void powerManagement(advancedFeatures(express(target, 0))), "AdvancedFeatures", "AdvancedFeatures"],
    ["power when AF has no reset", (target) => void powerManagement(advancedFeatures(target, 1)), "PowerManagement", "PowerManagement"],
    ["power when AF does not tell pending transactions", (target) => void powerManagement(advancedFeatures(target, 2)), "PowerManagement", "PowerManagement"],
    ["the bus when D3hot keeps the state", (target) => void powerManagement(target, true), "SecondaryBus", "None"],
    ["the bus when there is no capability", () => {}, "SecondaryBus", "None"],
  ])("%s", (_what, prepare, alone, withSibling) => {
    const subject = withFunction(prepare);
    expect(subject.machine.driver.resetMethod(subject.index)).toBe(method(alone));
    addSibling(subject);
    expect(subject.machine.driver.resetMethod(subject.machine.indexOf("01:00.0"))).toBe(method(withSibling));
  });

  test("a function on the root bus has no bus to reset", () => {
    const machine = new PciMachine(module);
    const target = machine.pci.add("00:04.0");
    machine.driver.scanFunctions();
    expect(machine.driver.resetMethod(0)).toBe(method("None"));
    expect(machine.driver.resetFunction(0)).toBe(status("NoMethod"));
    expect(target.resets).toEqual([]);
  });
});

describe("the reset", () => {
  test.each<[string, (target: SimulatedFunction) => void, string, number]>([
    ["FLR", (target) => void express(target, 0, { flr: true }), "FLR", 100],
    ["AF", (target) => void advancedFeatures(target), "AF", 100],
    ["D3hot", (target) => void powerManagement(target), "D3", 20],
    ["the bus", () => {}, "bus", 1000],
  ])("by %s is done once, with bus mastering off, and waits", (_what, prepare, kind, atLeast) => {
    const { machine, target, index, port } = withFunction(prepare);
    target.quietTime = kind === "D3" ? 10 : atLeast;
    const took = milliseconds(machine, () => expect(machine.driver.resetFunction(index)).toBe(status("Done")));
    expect(target.resets).toEqual([kind]);
    expect(target.commandsAtReset[0]! & 4).toBe(0);
    expect(target.tooEarly).toBe(0);
    expect(took).toBeGreaterThanOrEqual(atLeast);
    expect(took).toBeLessThan(atLeast + 20);
    expect(port.bytes[0x3e]! & 0x40).toBe(0);
    expect(port.resets).toEqual([]);
  });

  test("a function that is told to be quiet longer shows that the wait counts", () => {
    const { machine, target, index } = withFunction((made) => void express(made, 0, { flr: true }));
    target.quietTime = 150;
    machine.driver.resetFunction(index);
    expect(target.tooEarly).toBeGreaterThan(0);
  });

  test("gives everything back but bus mastering", () => {
    const { machine, target, index } = withFunction((made) => {
      allResets(made);
      msix(msi(made, { wide: true, maskable: true }), 8, 2);
      resizableBars(addressTranslation(accessControl(made)), 2);
    });
    for (let i = 0x40; i < 0x300; i++) target.bytes[i]! |= target.writable[i]! & 0x55;
    // What a reset starts or a power state is reads as 0 here.
    target.bytes[target.offset(0x01) + 4]! &= ~3;
    target.bytes.writeUInt16LE(target.bytes.readUInt16LE(target.offset(0x10) + 8) & 0x7fff, target.offset(0x10) + 8);
    const before = Buffer.from(target.bytes);
    expect(machine.driver.resetFunction(index)).toBe(status("Done"));
    before[4]! &= ~4;
    expect(target.resets).toEqual(["FLR"]);
    expect(target.bytes.toString("hex")).toBe(before.toString("hex"));
  });

  test.each([
    ["32-bit", {}],
    ["32-bit with a mask register", { maskable: true }],
    ["64-bit", { wide: true }],
  ])("gives back MSI, %s, and no byte beyond", (_what, options) => {
    const { machine, target, index } = withFunction((made) => void powerManagement(msi(advancedFeatures(made), options)));
    const offset = target.offset(0x05);
    for (let i = offset; i < target.offset(0x01); i++) target.bytes[i]! |= target.writable[i]! & 0x35;
    const written: number[] = [];
    const write = target.write.bind(target);
    target.write = (at, size, value) => {
      written.push(at);
      write(at, size, value);
    };
    const before = Buffer.from(target.bytes.subarray(offset, target.offset(0x01)));
    machine.driver.resetFunction(index);
    expect(target.bytes.subarray(offset, target.offset(0x01)).equals(before)).toBe(true);
    expect(written).not.toContain(target.offset(0x01));
    expect(written.indexOf(offset + 2)).toBeGreaterThan(written.indexOf(offset + 4));
    expect(written.at(-1)).toBe(4);
  });

  test("version 1 of the PCI Express capability has no second control registers", () => {
    const { machine, target, index } = withFunction((made) => void express(made, 0, { flr: true, version: 1 }));
    const beyond = target.offset(0x10) + 0x28;
    target.writable[beyond] = 0xff;
    target.bytes[beyond] = 0x77;
    machine.driver.resetFunction(index);
    expect(target.bytes[beyond]).toBe(0);
  });

  test("a BAR is resized before it gets its address back", () => {
    const { machine, target, index } = withFunction((made) => void resizableBars(express(made, 0, { flr: true }), 1));
    const written: number[] = [];
    const write = target.write.bind(target);
    target.write = (at, size, value) => {
      written.push(at);
      write(at, size, value);
    };
    machine.driver.resetFunction(index);
    expect(written.indexOf(target.offset(0x1_0015) + 8)).toBeGreaterThan(0);
    expect(written.indexOf(target.offset(0x1_0015) + 8)).toBeLessThan(written.indexOf(0x10));
  });

  test("a function in D3hot is woken first", () => {
    const { machine, target, index } = withFunction((made) => void powerManagement(express(made, 0, { flr: true }), true));
    target.bytes[target.offset(0x01) + 4]! |= 3;
    expect(machine.driver.resetFunction(index)).toBe(status("Done"));
    expect(target.resets).toEqual(["FLR"]);
    expect(target.bytes[target.offset(0x01) + 4]! & 3).toBe(0);
  });
});

describe("waits are bounded", () => {
  test.each([[0xffff_ffff], [0xffff_0001]])("a function that answers %d for a while is waited for", (answer) => {
    const { machine, target, index } = withFunction((made) => void express(made, 0, { flr: true }));
    target.busyReads = 2000;
    target.busyAnswer = answer;
    const took = milliseconds(machine, () => expect(machine.driver.resetFunction(index)).toBe(status("Done")));
    expect(took).toBeGreaterThan(2000);
    expect(took).toBeLessThan(2300);
    expect(target.bytes.readUInt32LE(0x10)).toBe(0xfebc_0000);
  });

  test("one that never comes back is given up, and nothing is written to it", () => {
    const { machine, target, index } = withFunction((made) => void express(made, 0, { flr: true }));
    target.busyReads = Number.POSITIVE_INFINITY;
    const took = milliseconds(machine, () => expect(machine.driver.resetFunction(index)).toBe(status("NotReady")));
    expect(took).toBeGreaterThan(9_000);
    expect(took).toBeLessThan(12_000);
    expect(target.bytes.readUInt32LE(0x10)).toBe(0);
  });

  test("one that is gone is not reset", () => {
    const { machine, target, index } = withFunction((made) => void express(made, 0, { flr: true }));
    machine.pci.remove(target);
    expect(machine.driver.resetFunction(index)).toBe(status("NotReady"));
    expect(target.resets).toEqual([]);
  });

  test.each<[string, (target: SimulatedFunction) => void]>([
    ["PCI Express", (target) => void express(target, 0, { flr: true })],
    ["AF", (target) => void advancedFeatures(target)],
  ])("transactions under way are waited for, as %s tells them", (_what, prepare) => {
    const { machine, target, index } = withFunction(prepare);
    target.pendingReads = 50;
    const took = milliseconds(machine, () => expect(machine.driver.resetFunction(index)).toBe(status("Done")));
    expect(took).toBeGreaterThanOrEqual(150);
    expect(target.pendingReads).toBe(0);
  });

  test("transactions that never end are told, after the reset", () => {
    const { machine, target, index } = withFunction((made) => void express(made, 0, { flr: true }));
    target.pendingReads = Number.POSITIVE_INFINITY;
    const took = milliseconds(machine, () => expect(machine.driver.resetFunction(index)).toBe(status("TransactionsPending")));
    expect(took).toBeLessThan(1500);
    expect(target.resets).toEqual(["FLR"]);
    expect(target.bytes.readUInt32LE(0x10)).toBe(0xfebc_0000);
  });
});
