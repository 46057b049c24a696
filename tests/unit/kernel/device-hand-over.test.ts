// Hand-over from a firmware that left VT-d on: no device has a moment in which it reaches more than before.

import { beforeEach, describe, expect, test } from "vitest";
import { extendedCapability } from "../machine/remapping-capability.ts";
import { capability, GLOBAL, type RemappingUnit } from "../machine/remapping-unit.ts";
import { compileKernel } from "./kernel-machine.ts";
import { DISK, machineWithDevices, startedWithDevices, TOY, type DeviceMachine, type DeviceOptions } from "./assignment-machine.ts";
import { linesOf, stoppedBy } from "./device-functions.ts";

const OWNERS: DeviceOptions["partitions"] = [{ pci: [{ device: "00:04.0" }] }, { pci: [{ device: "00:05.0" }] }];
const FIRMWARE_ROOT = 0x300_0000n;
const FIRMWARE_QUEUE = 0x301_0000n;
const FIRMWARE_INTERRUPTS = 0x302_0000n;
const SCALABLE_POINTER = 1n << 10n;
const REGISTER = { GCMD: 0x18, GSTS: 0x1c, RTADDR: 0x20, PMEN: 0x64, IQT: 0x88, IQA: 0x90, IRTA: 0xb8 };
const PROTECTED_ON = 0x8000_0001n;
const BUS_MASTER = 4;
const DATA = Buffer.from("bulkhead");
/** Both modes, and walks that need no flush, so that firmware's tables count as written. */
const COHERENT = { extended: extendedCapability({ coherent: true, scalable: true }), capability: capability({ protectedMemory: true }) };

beforeEach(() => void compileKernel(), 240_000);

function command(unit: RemappingUnit, bit: number): void {
  unit.write(REGISTER.GCMD, 4, BigInt((unit.globalStatus & (GLOBAL.TE | GLOBAL.QIE | GLOBAL.IRE)) | bit) & 0xffff_ffffn);
  for (let reads = 0; reads < 8; reads++) unit.read(REGISTER.GSTS, 4);
}

/** Translation by a root table that blocks everything. */
function leaveTranslationOn(unit: RemappingUnit, mode = 0n): void {
  unit.write(REGISTER.RTADDR, 8, FIRMWARE_ROOT | mode);
  command(unit, GLOBAL.SRTP);
  command(unit, GLOBAL.TE);
}

function leaveQueueOn(unit: RemappingUnit): void {
  unit.write(REGISTER.IQA, 8, FIRMWARE_QUEUE);
  command(unit, GLOBAL.QIE);
}

function leaveRemappingOn(unit: RemappingUnit): void {
  unit.write(REGISTER.IRTA, 8, FIRMWARE_INTERRUPTS | 7n);
  command(unit, GLOBAL.SIRTP);
  command(unit, GLOBAL.IRE);
}

function leaveMemoryProtected(unit: RemappingUnit): void {
  unit.write(REGISTER.PMEN, 4, PROTECTED_ON);
  for (let reads = 0; reads < 8; reads++) unit.read(REGISTER.GSTS, 4);
}

/** Looks at the machine after each access of the kernel to the unit's registers. */
function watch(machine: DeviceMachine, look: () => void): void {
  const { unit } = machine;
  const read = unit.read.bind(unit);
  const write = unit.write.bind(unit);
  unit.read = (offset, size) => {
    const value = read(offset, size);
    look();
    return value;
  };
  unit.write = (offset, size, value) => {
    write(offset, size, value);
    look();
  };
}

function status(machine: DeviceMachine, bit: number): boolean {
  return (machine.unit.globalStatus & bit) !== 0;
}

/** The kernel's own tables are in use, and work. */
function expectKernelTables(machine: DeviceMachine): void {
  const { unit } = machine;
  expect([GLOBAL.TE, GLOBAL.QIE, GLOBAL.IRE].map((bit) => status(machine, bit))).toEqual([true, true, true]);
  for (const address of [unit.root.address, unit.interruptTable.address, unit.queue.address & ~0xfffn]) {
    expect([FIRMWARE_ROOT, FIRMWARE_INTERRUPTS, FIRMWARE_QUEUE]).not.toContain(address);
  }
  expect(unit.deviceWrite(DISK, 0x1000n, DATA)).toBe(true);
  expect(unit.dma(TOY, 0x1000n, 8, true).blocked).toBeDefined();
  expect(unit.protocolErrors).toEqual([]);
}

describe.each<[string, bigint, DeviceOptions["remapping"]]>([
  ["legacy", 0n, "legacy"],
  ["scalable", SCALABLE_POINTER, "scalable"],
])("translation left on in %s mode, which the kernel uses too", (_, pointer, remapping) => {
  test("goes on all the time: at no access of the kernel a device reaches memory", async () => {
    const machine = await machineWithDevices({ partitions: OWNERS, unit: COHERENT, ...(remapping === undefined ? {} : { remapping }) });
    leaveTranslationOn(machine.unit, pointer);
    let looks = 0;
    let wasOff = 0;
    const reached = new Set<string>();
    watch(machine, () => {
      looks++;
      if (!status(machine, GLOBAL.TE)) wasOff++;
      for (const source of [TOY, 0x100, 0xffff]) {
        if (machine.unit.dma(source, 0x10_0000n, 8, true).blocked === undefined) reached.add(source.toString(16));
      }
    });
    expect(machine.boot()).toBe("enterGuest");
    expect(looks).toBeGreaterThan(20);
    expect([wasOff, [...reached]]).toEqual([0, []]);
    expectKernelTables(machine);
  });
});

describe("translation left on in the other mode", () => {
  test.each<[string, bigint, Partial<DeviceOptions>]>([
    ["scalable", SCALABLE_POINTER, {}],
    ["legacy", 0n, { remapping: "scalable" }],
  ])("%s: it goes off for the change, while no function may start DMA", async (_, pointer, options) => {
    const machine = await machineWithDevices({ partitions: OWNERS, unit: COHERENT, ...options, pci: (pci) => void pci.add("00:07.0").bytes.writeUInt16LE(7, 4) });
    leaveTranslationOn(machine.unit, pointer);
    machine.disk.bytes.writeUInt16LE(7, 4);
    const masters = new Set<number>();
    let wasOff = 0;
    watch(machine, () => {
      if (status(machine, GLOBAL.TE)) return;
      wasOff++;
      for (const source of [DISK, 0x28, TOY, 0x38]) masters.add(Number(machine.memory.read(0xb000_0000 + source * 4096 + 4, 2)) & BUS_MASTER);
    });
    expect(machine.boot()).toBe("enterGuest");
    expect(wasOff).toBeGreaterThan(0);
    expect([...masters]).toEqual([0]);
    expectKernelTables(machine);
  });
});

describe("protected memory", () => {
  test("stays protected until translation is on with the kernel's tables, and is open at the end", async () => {
    const machine = await machineWithDevices({ partitions: OWNERS, unit: COHERENT });
    leaveMemoryProtected(machine.unit);
    const opened: boolean[] = [];
    const write = machine.unit.write.bind(machine.unit);
    machine.unit.write = (offset, size, value) => {
      if (offset === REGISTER.PMEN && (value & 0x8000_0000n) === 0n) opened.push(status(machine, GLOBAL.TE) && machine.unit.root.address !== 0n);
      write(offset, size, value);
    };
    expect(machine.boot()).toBe("enterGuest");
    expect(opened).toEqual([true]);
    expect(machine.unit.read(REGISTER.PMEN, 4)).toBe(0n);
    expectKernelTables(machine);
  });

  test("that cannot be opened ends the boot", async () => {
    const machine = await machineWithDevices({ partitions: OWNERS, unit: COHERENT });
    leaveMemoryProtected(machine.unit);
    machine.unit.stuck.add("PMEN");
    expect(machine.boot()).toBe("halt");
    expect(machine.text).toContain("fatal 27 on core 0: a VT-d unit does not do as told");
    expect(machine.lines.at(-1)).toContain("vtd unit 0: PMEN.PRS not cleared in time (VT-d 11.4.16)");
  });
});

test("interrupt remapping left on: it never goes off, and at the end the kernel's table is in use", async () => {
  const machine = await machineWithDevices({ partitions: OWNERS, unit: COHERENT });
  leaveRemappingOn(machine.unit);
  let wasOff = 0;
  watch(machine, () => {
    if (!status(machine, GLOBAL.IRE)) wasOff++;
  });
  expect(machine.boot()).toBe("enterGuest");
  expect(wasOff).toBe(0);
  expectKernelTables(machine);
});

test("everything left on at once, with faults that firmware's devices made", async () => {
  const machine = await machineWithDevices({ partitions: OWNERS, unit: COHERENT });
  for (const leave of [leaveQueueOn, leaveTranslationOn, leaveRemappingOn, leaveMemoryProtected]) leave(machine.unit);
  machine.unit.dma(DISK, 0x1000n, 8, true);
  expect(machine.boot()).toBe("enterGuest");
  expectKernelTables(machine);
  expect(linesOf(machine, "vtd unit 0: ")).toEqual(["vtd unit 0: 1 faults from before the start discarded"]);
  expect(machine.text).not.toContain("its device tried what it may not");
});

test("nothing given away on a unit that firmware left on: the kernel uses its own tables all the same", async () => {
  const machine = await machineWithDevices({ partitions: [{}], unit: COHERENT });
  leaveTranslationOn(machine.unit);
  expect(machine.boot()).toBe("enterGuest");
  expect(machine.unit.root.address).not.toBe(FIRMWARE_ROOT);
  expect(machine.unit.dma(DISK, 0x1000n, 8, true).blocked).toBeDefined();
});

describe("a unit that does not do as told", () => {
  test.each([
    ["SRTP", GLOBAL.SRTP, "GSTS.RTPS not set in time (VT-d 11.4.4)"],
    ["TE", GLOBAL.TE, "GSTS.TES did not follow in time (VT-d 11.4.4)"],
    ["QIE", GLOBAL.QIE, "interrupt remapping not switched on in time (VT-d 11.4.4)"], // its cache has no other way of invalidation
    ["SIRTP", GLOBAL.SIRTP, "interrupt remapping not switched on in time (VT-d 11.4.4)"],
    ["IRE", GLOBAL.IRE, "interrupt remapping not switched on in time (VT-d 11.4.4)"],
  ])("%s: the boot ends with what it waited for", async (_, bit, words) => {
    const machine = await machineWithDevices({ partitions: OWNERS });
    machine.unit.stuck.add(bit);
    expect(machine.boot()).toBe("halt");
    expect(machine.lines.at(-1)).toContain(`  vtd unit 0: ${words}`);
    expect(machine.processor.vmxCalls).toEqual([]);
  });

  test("registers above what core 0 reaches while it starts", async () => {
    const machine = await stoppedBy("RemappingStart", { partitions: OWNERS, dmar: [{ type: "DRHD", flags: 1, size: 0, segment: 0, base: "0x500000000", scopes: [] }] });
    expect(machine.lines.at(-1)).toContain("register address 0x0000000500000000");
  });
});

test("a machine whose firmware left nothing on", async () => {
  const machine = await startedWithDevices({ partitions: OWNERS, unit: COHERENT });
  expectKernelTables(machine);
});
