// The seal of devices against a planner that lies about VT-d: what no policy gives is refused before translation goes on.

import { beforeAll, describe, expect, test } from "vitest";
import { drhd, rmrr } from "../drivers/dmar-table.ts";
import { capability, extendedCapability } from "../machine/remapping-capability.ts";
import { enumReader } from "../machine/source-enums.ts";
import { CARD, DISK, DeviceMachine, UNIT, type DeviceOptions } from "./assignment-machine.ts";
import { compileKernel } from "./kernel-machine.ts";
import { Plan, bootWithLie, other, own, type Lie } from "./plan-lies.ts";

const reason = enumReader("kernel/boot/fatal.ts", "FatalReason");

const FRAME = 0x000f_ffff_ffff_f000n;
const IMAGE = 0x20_0000n;
const DEVICES: DeviceOptions = { partitions: [{ pci: [{ device: "00:04.0" }] }, { pci: [{ device: "00:05.0" }] }] };
const SCALABLE: DeviceOptions = { ...DEVICES, remapping: "scalable", unit: { extended: extendedCapability({ scalable: true }) } };
const POSTED: DeviceOptions = { ...DEVICES, unit: { capability: capability({ posted: true }) } };
const RESERVED: DeviceOptions = {
  partitions: [{ pci: [{ device: "00:04.0", reservedMemory: true }] }, { pci: [{ device: "00:05.0" }] }],
  dmar: [drhd(UNIT, ["ioapic #0 ff:0.0"], { flags: 1 }), rmrr(0x80_0000n, 0x80_0fffn, ["endpoint 0:4.0"])],
};
/** Index of the plan's record of the first device and of the second: function and source id. */
const FIRST = 0;
const SECOND = 1;

let module: Awaited<ReturnType<typeof compileKernel>>;
beforeAll(async () => {
  module = await compileKernel();
}, 240_000);

function expectRefused(lie: Lie, why: string, options = DEVICES): DeviceMachine {
  const machine = new DeviceMachine(module, options);
  const end = bootWithLie(machine, lie);
  expect(machine.lines.join("\n")).toContain(`fatal ${reason(why)} on core 0`);
  expect(end).toBe("halt");
  expect(machine.unit.globalStatus >>> 31).toBe(0);
  expect(machine.processor.vmxCalls).toEqual([]);
  return machine;
}

const setUnit = (name: string, value: (plan: Plan) => bigint): Lie => (plan) => plan.write(plan.unit(0, name), value(plan));
const setSource = (index: number, name: string, value: bigint): Lie => (plan) => plan.write(plan.source(index, name), value);
const setFunction = (index: number, name: string, value: bigint): Lie => (plan) => plan.write(plan.function(index, name), value);
const setHeader = (name: string, value: bigint): Lie => (plan) => plan.write(plan.header(name, 4), value);
const unit = (name: string) => (plan: Plan): bigint => plan.read(plan.unit(0, name));
const contexts = (plan: Plan): bigint => plan.read(plan.at(unit("RootTable")(plan))) & FRAME;

test.each([["legacy", DEVICES], ["scalable", SCALABLE], ["posted", POSTED], ["with reserved memory", RESERVED]])("the truth is let pass: %s", (_, options) => {
  const machine = new DeviceMachine(module, options);
  expect(bootWithLie(machine, () => {})).toBe("enterGuest");
  expect(machine.unit.globalStatus >>> 31).toBe(1);
});

describe("a plan is refused in which", () => {
  test.each<[string, Lie]>([
    ["devices have no unit", setHeader("UnitCount", 0n)],
    ["there are more units than records", setHeader("UnitCount", 65n)],
    ["there are more source ids than records", setHeader("SourceCount", 129n)],
    ["there are more bridges than records", setHeader("BridgeCount", 513n)],
    ["there are more ranges of reserved memory than records", setHeader("ReservedCount", 65n)],
    ["the registers of a unit lie in a partition's memory", setUnit("Registers", own("MemoryBase"))],
    ["the registers of a unit lie in the kernel", setUnit("Registers", () => IMAGE)],
    ["the registers of a unit reach over the local APIC", setUnit("RegistersLength", () => 0x10_0000n)],
    ["the registers of a unit are cut short", setUnit("RegistersLength", () => 0n)],
    ["two units have the same registers", (plan) => {
      plan.write(plan.header("UnitCount", 4), 2n);
      for (const name of ["Registers", "RegistersLength"]) plan.write(plan.unit(1, name), unit(name)(plan));
    }],
    ["two units have one root table", (plan) => {
      plan.write(plan.header("UnitCount", 4), 2n);
      for (const name of ["RegistersLength", "RootTable", "InterruptTable"]) plan.write(plan.unit(1, name), unit(name)(plan));
      plan.write(plan.unit(1, "Registers"), 0xfed8_0000n);
      plan.machine.memory.writeBytes(0xfed8_0000, Buffer.from(plan.machine.memory.readBytes(0, 4096).fill(0)));
    }],
    ["the root table lies in a partition's memory", setUnit("RootTable", own("MemoryBase"))],
    ["the root table is the interrupt table", setUnit("RootTable", unit("InterruptTable"))],
    ["the interrupt table lies in a partition's memory", setUnit("InterruptTable", other("MemoryBase"))],
    ["the interrupt table is a VMCS", setUnit("InterruptTable", other("VcpuControls"))],
    ["the interrupt table begins within a page", (plan) => plan.write(plan.unit(0, "InterruptTable"), unit("InterruptTable")(plan) + 8n)],
    ["the queue lies in a partition's memory", setUnit("Queue", own("MemoryBase"))],
    ["the queue lies in the kernel", setUnit("Queue", () => IMAGE)],
    ["the unit has another segment", (plan) => plan.write(plan.unit(0, "Segment", 4), 1n)],
    ["a device's source id is another partition's", setSource(FIRST, "Partition", 1n)],
    ["a device's source id is nobody's", setSource(FIRST, "Partition", 2n)],
    ["a device has no source id", setHeader("SourceCount", 1n)],
    ["a device has another's source id", setSource(FIRST, "SourceId", BigInt(CARD))],
    ["a source id is of a unit that is not there", setSource(FIRST, "Unit", 1n)],
    ["a source id has a device TLB that the policy does not give", setSource(FIRST, "DeviceTlb", 1n)],
    ["a function is behind a unit that is not there", setFunction(FIRST, "Unit", 1n)],
    ["a partition with a device has no domain", (plan) => plan.write(plan.partition(0, "DomainRoot"), 0n)],
    ["two functions of a unit have the same interrupt entries", (plan) => plan.write(plan.function(SECOND, "FirstEntry"), plan.read(plan.function(FIRST, "FirstEntry")))],
    ["an interrupt entry lies behind the table", setFunction(FIRST, "FirstEntry", 253n)],
    ["a message has a vector of the kernel", setFunction(FIRST, "FirstVector", 0x40n)],
    ["a message has an exception's vector", setFunction(FIRST, "FirstVector", 2n)],
    ["messages reach the vectors of the kernel", setFunction(FIRST, "FirstVector", 0xedn)],
    ["the messages of a device are another's to send", setFunction(FIRST, "SourceValidation", 0x4_0000n | BigInt(CARD))],
    ["all buses may send the messages of a device", setFunction(FIRST, "SourceValidation", 0x8_00ffn)],
    ["messages are sent by anybody", setFunction(FIRST, "SourceValidation", 0n)],
    ["the source of messages is compared in part", setFunction(FIRST, "SourceValidation", 0x7_0000n | BigInt(DISK))],
    ["a device may send COM1's interrupt", (plan) => plan.write(plan.header("InputValidation", 4), 0x4_0000n | BigInt(DISK))],
    ["COM1's interrupt has the entry of a device", (plan) => plan.write(plan.header("InputEntry", 4), plan.read(plan.function(FIRST, "FirstEntry")))],
    ["a bridge is no bridge", (plan) => {
      plan.write(plan.header("BridgeCount", 4), 1n);
      plan.write(plan.bridge(0), plan.read(plan.function(FIRST, "ConfigPage", 8)) + 0x1_0000n);
    }],
    ["a bridge is a device", (plan) => {
      plan.write(plan.header("BridgeCount", 4), 1n);
      plan.write(plan.bridge(0), plan.read(plan.function(SECOND, "ConfigPage", 8)));
    }],
    ["a bridge lies in a partition's memory", (plan) => {
      plan.write(plan.header("BridgeCount", 4), 1n);
      plan.write(plan.bridge(0), other("MemoryBase")(plan));
    }],
    ["a function is reset by another's configuration space", (plan) => plan.write(plan.function(FIRST, "Bridge", 8), plan.read(plan.function(SECOND, "ConfigPage", 8)))],
    ["a configuration page is that of another place", (plan) => plan.write(plan.function(FIRST, "ConfigPage", 8), plan.read(plan.function(FIRST, "ConfigPage", 8)) + 0x1000n)],
    ["a BAR is elsewhere than its register says", (plan) => plan.write(plan.function(SECOND, "Bars", 8, 8), 0xfe08_0000n)],
    ["firmware's memory is given that the policy does not open", (plan) => {
      plan.write(plan.header("ReservedCount", 4), 1n);
      plan.write(plan.reserved(0, "Base"), 0x80_0000n);
      plan.write(plan.reserved(0, "Length"), 0x1000n);
    }],
  ])("%s", (_, lie) => {
    expectRefused(lie, "SealPlan");
  });

  test.each<[string, Lie]>([
    ["reserved memory is another partition's memory", (plan) => plan.write(plan.reserved(0, "Base"), other("MemoryBase")(plan))],
    ["reserved memory is the kernel", (plan) => plan.write(plan.reserved(0, "Base"), IMAGE)],
    ["reserved memory reaches into the plan", (plan) => {
      plan.write(plan.reserved(0, "Base"), plan.machine.plan - 0x1000n);
      plan.write(plan.reserved(0, "Length"), 0x2000n);
    }],
    ["reserved memory is a unit", (plan) => plan.write(plan.reserved(0, "Base"), BigInt(UNIT))],
    ["reserved memory is given to another partition", (plan) => plan.write(plan.reserved(0, "Partition", 4), 1n)],
  ])("%s", (_, lie) => {
    expectRefused(lie, "SealPlan", RESERVED);
  });

  test("hardware posts into a partition's memory", () => {
    expectRefused((plan) => plan.write(plan.partition(0, "PostedDescriptor"), own("MemoryBase")(plan)), "SealPlan", POSTED);
  });

  test("two partitions have one posted-interrupt descriptor", () => {
    expectRefused((plan) => plan.write(plan.partition(0, "PostedDescriptor"), other("PostedDescriptor")(plan)), "SealPlan", POSTED);
  });

  test("a partition with a device has no PASID directory", () => {
    expectRefused((plan) => plan.write(plan.partition(0, "PasidDirectory"), 0n), "SealPlan", SCALABLE);
  });

  test("two partitions have one PASID directory", () => {
    expectRefused((plan) => plan.write(plan.partition(0, "PasidDirectory"), other("PasidDirectory")(plan)), "SealRemapping", SCALABLE);
  });
});

describe("tables are refused in which", () => {
  const leaf = (to: (entry: bigint, plan: Plan) => bigint, level = 1): Lie => (plan) => {
    const place = plan.entry(own("DomainRoot")(plan), 0n, level);
    plan.write(place, to(plan.read(place), plan));
  };
  test.each<[string, Lie]>([
    ["two partitions have one domain", (plan) => plan.write(plan.partition(0, "DomainRoot"), other("DomainRoot")(plan))],
    ["a domain has another partition's memory", leaf((entry, plan) => (entry & ~FRAME) | other("MemoryBase")(plan))],
    ["a domain has the kernel", leaf((entry) => (entry & ~FRAME) | IMAGE)],
    ["a domain has read-only memory", leaf((entry) => entry & ~2n)],
    ["a domain has less than the memory", leaf(() => 0n)],
    ["a domain's table lies in the partition's memory", leaf((entry, plan) => {
      plan.copy(own("MemoryBase")(plan), entry & FRAME);
      return own("MemoryBase")(plan) | (entry & 0xfffn);
    }, 3)],
    ["a domain's table is the unit's context table", leaf((entry, plan) => contexts(plan) | (entry & 0xfffn), 3)],
    ["a domain has another number of levels", setHeader("TableLevels", 3n)],
    ["a domain has no levels", setHeader("TableLevels", 1n)],
    ["the interrupt table is empty", (plan) => {
      plan.machine.memory.writeBytes(Number(unit("InterruptTable")(plan)), Buffer.alloc(4096));
    }],
  ])("%s", (_, lie) => {
    expectRefused(lie, "SealRemapping");
  });

  test.each<[string, (plan: Plan) => bigint]>([
    ["a partition's memory", own("MemoryBase")], ["the interrupt table", unit("InterruptTable")], ["the root table", unit("RootTable")], ["the kernel", () => IMAGE],
  ])("the context table is %s", (_, where) => {
    expectRefused((plan) => plan.write(plan.at(unit("RootTable")(plan)), where(plan) | 1n), "SealPlan");
  });

  test("two buses have one context table", () => {
    expectRefused((plan) => plan.write(plan.at(unit("RootTable")(plan) + 16n), contexts(plan) | 1n), "SealPlan");
  });

  const unitTables = (plan: Plan): bigint[] => [unit("RootTable")(plan), contexts(plan), unit("InterruptTable")(plan)];
  const pasidTables = (plan: Plan): bigint[] => [own("PasidDirectory")(plan), own("PasidDirectory")(plan) + 0x1000n];
  test.each<[string, DeviceOptions, (plan: Plan) => bigint[]]>([
    ["legacy", DEVICES, unitTables], ["scalable", SCALABLE, (plan) => [...unitTables(plan), ...pasidTables(plan)]], ["posted", POSTED, unitTables],
  ])("any bit is otherwise: %s", (_, options, tables) => {
    for (let i = 0; i < 24; i++) {
      const machine = new DeviceMachine(module, options);
      const end = bootWithLie(machine, (plan) => {
        const frames = tables(plan);
        const table = frames[i % frames.length]!;
        // Every other time a word that is in use.
        const words = Array.from({ length: 512 }, (__, word) => table + 8n * BigInt(word));
        const used = words.filter((word) => plan.read(plan.at(word)) !== 0n);
        const place = plan.at(i % 2 === 0 ? used[(i * 7) % used.length]! : words[(i * 101) % 512]!);
        plan.write(place, plan.read(place) ^ (1n << BigInt((i * 37) % 64)));
      });
      expect(end, `change ${i}`).toBe("halt");
      expect(machine.lines.join("\n")).toMatch(/fatal (26|28) on core 0/);
      expect(machine.unit.globalStatus >>> 31).toBe(0);
    }
  });
});

test("what hardware posts to is written anew", () => {
  const machine = new DeviceMachine(module, POSTED);
  const descriptor = (plan: Plan): number => Number(own("PostedDescriptor")(plan));
  expect(bootWithLie(machine, (plan) => plan.machine.memory.writeBytes(descriptor(plan), Buffer.alloc(64, 0x5a)))).toBe("enterGuest");
  const honest = new DeviceMachine(module, POSTED);
  expect(honest.boot()).toBe("enterGuest");
  const bytes = (one: DeviceMachine): Buffer => Buffer.from(one.memory.readBytes(descriptor(new Plan(one)), 64));
  expect(bytes(machine).equals(bytes(honest))).toBe(true);
});
