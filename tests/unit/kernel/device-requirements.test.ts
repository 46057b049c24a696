// What the machine must have before a device is given away. With nothing given away the units only have to answer.

import { beforeEach, describe, expect, test } from "vitest";
import { GLOBAL, REGISTERS_SIZE, RemappingUnit } from "../machine/remapping-unit.ts";
import { capability, extendedCapability } from "../machine/remapping-capability.ts";
import { drhd, rmrr } from "../drivers/dmar-table.ts";
import { compileKernel } from "./kernel-machine.ts";
import { CARD, DISK, machineWithDevices, startedWithDevices, UNIT, type DeviceOptions } from "./assignment-machine.ts";
import { fatalReason, linesOf, stoppedBy } from "./device-functions.ts";

const SECOND_UNIT = 0xfeda_0000;
const OWNER = [{ pci: [{ device: "00:04.0" }] }];
const BUS_MASTER = 4n;
/** Upper half of an I/O APIC entry in remappable format. */
const REMAPPABLE = 0x1_0000;

beforeEach(() => void compileKernel(), 240_000);

const MISSING: [string, Omit<DeviceOptions, "partitions">, string[]][] = [
  ["the INTR_REMAP flag", { dmarFlags: 0 }, ["missing: DMAR flag INTR_REMAP (VT-d 8.1): interrupt remapping, which the firmware forbids"]],
  [
    "ECAP.IR", { unit: { extended: extendedCapability({ interrupts: false }) } },
    ["missing: vtd unit 0 ECAP.IR bit 3 (VT-d 11.4.3): interrupt remapping"],
  ],
  [
    "ECAP.QI, which ECAP.IR needs", { unit: { extended: extendedCapability({ queue: false, interrupts: false }) } },
    [
      "missing: vtd unit 0 ECAP.QI bit 1 (VT-d 11.4.3): queued invalidation, without which there is no interrupt remapping",
      "missing: vtd unit 0 ECAP.IR bit 3 (VT-d 11.4.3): interrupt remapping",
    ],
  ],
  [
    "scalable mode", { remapping: "scalable", unit: { extended: extendedCapability({ scalable: false }) } },
    [
      "missing: vtd unit 0 ECAP.SMTS bit 43 (VT-d 11.4.3): scalable mode, which the policy asks for",
      "missing: vtd unit 0 ECAP.SLTS bit 46 (VT-d 11.4.3): second-level translation in scalable mode",
    ],
  ],
  [
    "second-level tables in scalable mode", { remapping: "scalable", unit: { extended: extendedCapability({ scalable: true, secondLevel: false }) } },
    ["missing: vtd unit 0 ECAP.SLTS bit 46 (VT-d 11.4.3): second-level translation in scalable mode"],
  ],
  [
    "a wide enough MGAW", { unit: { capability: capability({ guestWidth: 21 }) } },
    ["missing: vtd unit 0 CAP.MGAW bits 21:16 (VT-d 11.4.2): addresses up to the end of every partition's memory"],
  ],
  [
    "a table depth that the kernel knows", { unit: { capability: capability({ widths: 1 }) } },
    ["missing: vtd unit 0 CAP.SAGAW bits 12:8 (VT-d 11.4.2): a table depth of 3, 4 or 5 levels that all units share"],
  ],
  [
    "several things at once", { dmarFlags: 0, unit: { capability: capability({ guestWidth: 21 }), extended: extendedCapability({ interrupts: false, queue: false }) } },
    [
      "missing: vtd unit 0 CAP.MGAW bits 21:16 (VT-d 11.4.2): addresses up to the end of every partition's memory",
      "missing: vtd unit 0 ECAP.QI bit 1 (VT-d 11.4.3): queued invalidation, without which there is no interrupt remapping",
      "missing: vtd unit 0 ECAP.IR bit 3 (VT-d 11.4.3): interrupt remapping",
      "missing: DMAR flag INTR_REMAP (VT-d 8.1): interrupt remapping, which the firmware forbids",
    ],
  ],
];

describe.each(MISSING)("without %s", (_, options, lines) => {
  test("a system that gives devices away does not start, and says what is missing", async () => {
    const machine = await stoppedBy("ProcessorUnsuitable", { partitions: OWNER, ...options });
    expect(linesOf(machine, "missing: ")).toEqual(lines);
    expect(machine.unit.globalStatus).toBe(0);
  });

  test("a system that gives nothing away starts, and its empty tables block every device", async () => {
    const machine = await startedWithDevices({ partitions: [{}], ...options, pci: (pci) => void pci.add("00:07.0").bytes.writeUInt16LE(7, 4) });
    expect(linesOf(machine, "missing: ")).toEqual([]);
    expect(machine.unit.globalStatus & GLOBAL.TE).not.toBe(0);
    for (const source of [DISK, CARD, 0x38, 0x100]) expect(machine.unit.dma(source, 0x1000n, 8, false).blocked).toBeDefined();
    expect(machine.memory.read(0xb000_0000 + 0x38 * 4096 + 4, 2) & BUS_MASTER).toBe(0n);
    const isRemapping = (machine.unit.globalStatus & GLOBAL.IRE) !== 0;
    expect((machine.ioApic.entry(4).high & REMAPPABLE) !== 0).toBe(isRemapping);
    expect(linesOf(machine, "vtd: translation")).toEqual([
      `vtd: translation ${isRemapping ? "and interrupt remapping on" : "on, interrupts are not remapped"}, every table matches the policy`,
    ]);
    expect(machine.unit.protocolErrors).toEqual([]);
  });
});

describe("a unit whose registers do not answer", () => {
  const SILENT: Omit<DeviceOptions, "partitions"> = { unit: { capability: 0xffff_ffff_ffff_ffffn, extended: 0xffff_ffff_ffff_ffffn } };

  test("a system that gives devices away does not start", async () => {
    const machine = await stoppedBy("ProcessorUnsuitable", { partitions: OWNER, ...SILENT });
    expect(linesOf(machine, "missing: ")).toEqual(["missing: vtd unit 0 VER, CAP and ECAP (VT-d 11.4): registers that answer"]);
  });

  test("a system that gives nothing away starts, VT-d stays off and no function may start DMA", async () => {
    const machine = await startedWithDevices({ partitions: [{}], ...SILENT, pci: (pci) => void pci.add("00:07.0").bytes.writeUInt16LE(7, 4) });
    expect(linesOf(machine, "vtd: stays off")).toEqual(["vtd: stays off: a unit does not answer; no device is given away, and none may start DMA"]);
    expect(machine.unit.globalStatus).toBe(0);
    expect(machine.memory.read(0xb000_0000 + 0x38 * 4096 + 4, 2) & BUS_MASTER).toBe(0n);
    expect(machine.ioApic.entry(4).high & REMAPPABLE).toBe(0);
  });
});

describe("numbers of domains", () => {
  const sixteen = { unit: { capability: capability({ domains: 0 }) } };
  const partitions = (count: number): DeviceOptions["partitions"] => Array.from({ length: count }, (_, i) => ({ memory: "2 MiB", ...(i === 0 ? OWNER[0] : {}) }));

  test("16 are enough for 15 partitions, since number 0 is not used", async () => {
    const machine = await startedWithDevices({ partitions: partitions(15), ...sixteen });
    expect(machine.unit.deviceWrite(0x20, 0x1000n, Buffer.from("data"))).toBe(true);
  });

  test("16 are too few for 16 partitions", async () => {
    const machine = await stoppedBy("ProcessorUnsuitable", { partitions: partitions(16), ...sixteen });
    expect(linesOf(machine, "missing: ")).toEqual(["missing: vtd unit 0 CAP.ND bits 2:0 (VT-d 11.4.2): a domain number for each partition"]);
  });
});

test("two units that share no table depth", async () => {
  const dmar = [drhd(UNIT, ["endpoint 0:4.0", "ioapic #0 ff:0.0"]), drhd(SECOND_UNIT, [], { flags: 1 })];
  const machine = await machineWithDevices({ partitions: OWNER, dmar, unit: { capability: capability({ widths: 2 }) } });
  machine.memory.addDevice(SECOND_UNIT, REGISTERS_SIZE, new RemappingUnit(machine.memory, { capability: capability({ widths: 4 }) }));
  expect(machine.boot()).toBe("halt");
  expect(linesOf(machine, "missing: ")).toEqual(["missing: vtd unit 0 CAP.SAGAW bits 12:8 (VT-d 11.4.2): a table depth of 3, 4 or 5 levels that all units share"]);
});

describe("the DMAR table", () => {
  test("is not there: nothing can be given away, but the kernel starts", async () => {
    const machine = await stoppedBy("ProcessorUnsuitable", { partitions: OWNER, dmar: "none" });
    expect(linesOf(machine, "missing: ")).toEqual([
      "missing: DMAR table (VT-d 8.1): VT-d, without which no device is given away; switch it on in the firmware's set-up",
    ]);
    const without = await startedWithDevices({ partitions: [{}], dmar: "none" });
    expect(linesOf(without, "vtd: ")).toEqual(["vtd: no DMAR table, so no device can be given away"]);
    expect(linesOf(without, "missing: ")).toEqual([]);
  });

  test.each([
    ["an address of registers that is not on a page", [drhd(UNIT + 0x10, [], { flags: 1 })], "0x0030: a remapping unit's registers are at address 0 or not page-aligned"],
    ["reserved memory that ends before it begins", [drhd(UNIT, [], { flags: 1 }), rmrr(0x2000n, 0xfffn)], "0x0040: reserved memory ends before it starts"],
    [
      "a structure that ends behind the table",
      [drhd(UNIT, [], { flags: 1 }), { type: "RAW" as const, bytes: Uint8Array.from([1, 0, 0xff, 0]) }],
      "0x0040: a structure leaves the table",
    ],
  ])("is malformed: %s", async (_, dmar, told) => {
    for (const partitions of [OWNER, [{}]]) {
      const machine = await stoppedBy("DmarTable", { partitions, dmar });
      expect(linesOf(machine, "  offset ")).toEqual([`  offset ${told}`]);
    }
    expect(fatalReason("DmarTable")).toBe(23);
  });
});
