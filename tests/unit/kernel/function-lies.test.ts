// The seal against a planner that lies about units and functions in its plan; device-lies.test.ts has the tables of VT-d.

import { beforeAll, describe, expect, test } from "vitest";
import { DISK_BAR, DISK_TABLE, DeviceMachine, type DeviceOptions } from "./assignment-machine.ts";
import { expectRefused } from "./expect-refused.ts";
import { compileKernel } from "./kernel-machine.ts";
import { Plan, bootWithLie, other, own, type Lie, type Place } from "./plan-lies.ts";

const PAGE = 4096n;
const IMAGE = 0x20_0000n;
const DEVICES: DeviceOptions = { partitions: [{ pci: [{ device: "00:04.0" }] }, { pci: [{ device: "00:05.0" }] }] };

let module: Awaited<ReturnType<typeof compileKernel>>;
beforeAll(async () => {
  module = await compileKernel();
}, 240_000);

describe("VT-d is refused", () => {
  const contexts = (plan: Plan): Place => plan.at(plan.read(plan.unit(0, "RootTable")));
  test.each<[string, Lie]>([
    ["whose registers are a partition's memory", (plan) => plan.write(plan.unit(0, "Registers"), own("MemoryBase")(plan))],
    ["whose root table lies in a partition's memory", (plan) => plan.write(plan.unit(0, "RootTable"), own("MemoryBase")(plan))],
    ["whose queue is the kernel memory of another core", (plan) => plan.write(plan.unit(0, "Queue"), plan.read(plan.core(1, "KernelMemory")))],
    ["whose interrupt table is the plan", (plan) => plan.write(plan.unit(0, "InterruptTable"), plan.machine.plan)],
    ["with a context table that core 0 could write the plan by", (plan) => plan.write(contexts(plan), plan.machine.plan | 1n)],
    ["with a context table in a partition's memory", (plan) => plan.write(contexts(plan), own("MemoryBase")(plan) | 1n)],
    ["with more units than records", (plan) => plan.write(plan.header("UnitCount", 4), 65n)],
    ["with reserved memory that is another partition's", (plan) => {
      plan.write(plan.reserved(0, "Base"), other("MemoryBase")(plan));
      plan.write(plan.reserved(0, "Length"), PAGE);
      plan.write(plan.header("ReservedCount", 4), 1n);
    }],
    ["with reserved memory in the kernel memory of a core", (plan) => {
      plan.write(plan.reserved(0, "Base"), plan.read(plan.core(1, "KernelMemory")) + PAGE);
      plan.write(plan.reserved(0, "Length"), PAGE);
      plan.write(plan.header("ReservedCount", 4), 1n);
    }],
    ["with more reserved memory than records", (plan) => plan.write(plan.header("ReservedCount", 4), 65n)],
    ["with a bridge that is the policy", (plan) => {
      plan.write(plan.bridge(0), plan.read(plan.module(0)));
      plan.write(plan.header("BridgeCount", 4), 1n);
    }],
    ["with more bridges than records", (plan) => plan.write(plan.header("BridgeCount", 4), 513n)],
    ["with a bridge for one function that is not above it", (plan) => plan.write(plan.function(0, "Bridge", 8), plan.read(plan.function(1, "ConfigPage", 8)))],
    ["with posted messages in a partition's memory", (plan) => plan.write(plan.partition(0, "PostedDescriptor"), own("MemoryBase")(plan))],
    ["with PASID tables in a partition's memory", (plan) => plan.write(plan.partition(0, "PasidDirectory"), own("MemoryBase")(plan))],
  ])("%s", (_, lie) => {
    const machine = new DeviceMachine(module, DEVICES);
    expectRefused(machine, bootWithLie(machine, lie), "SealPlan");
    expect(machine.unit.globalStatus & 0x8000_0000).toBe(0);
  });
});

describe("a function is refused", () => {
  /** Function 0 is the disk of partition 0, function 1 the card of partition 1. */
  test.each<[string, Lie]>([
    ["whose BAR covers another partition's memory", (plan) => plan.write(plan.function(0, "Bars", 8, 8), other("MemoryBase")(plan))],
    ["whose BAR covers the kernel", (plan) => plan.write(plan.function(0, "Bars", 8, 8), IMAGE)],
    ["whose BAR covers another function's", (plan) => plan.write(plan.function(1, "Bars", 8, 8), BigInt(DISK_BAR))],
    ["whose BAR covers the local APIC", (plan) => plan.write(plan.function(0, "Bars", 8, 8), 0xfee0_0000n)],
    ["whose MSI-X table is not in its BAR", (plan) => plan.write(plan.function(0, "MsixAddress", 8), IMAGE)],
    ["whose MSI-X table leaves its BAR", (plan) => {
      plan.write(plan.function(0, "MsixTable"), 0x4000n);
      plan.write(plan.function(0, "MsixAddress", 8), BigInt(DISK_BAR) + 0x4000n);
    }],
    ["with more messages than its table has", (plan) => plan.write(plan.function(0, "MsixEntries"), 1n)],
    ["of another partition", (plan) => plan.write(plan.function(0, "Partition"), 1n)],
    ["at another address", (plan) => plan.write(plan.function(0, "SourceId"), 0x30n)],
    ["in another segment", (plan) => plan.write(plan.function(0, "Segment"), 1n)],
    ["twice", (plan) => {
      for (const name of ["Partition", "Segment", "SourceId", "Flags"]) plan.write(plan.function(1, name), plan.read(plan.function(0, name)));
    }],
    ["that may do more than the policy says", (plan) => plan.write(plan.function(0, "Flags"), 1n)],
    ["that is another than its configuration space says", (plan) => plan.write(plan.function(0, "Identity"), 0x10d3_8086n)],
    ["whose configuration space is another's", (plan) => plan.write(plan.function(0, "ConfigPage", 8), plan.read(plan.function(1, "ConfigPage", 8)))],
    ["whose configuration space lies in a partition's memory", (plan) => plan.write(plan.function(0, "ConfigPage", 8), own("MemoryBase")(plan))],
    ["that nobody owns", (plan) => plan.write(plan.function(0, "Partition"), 2n)],
  ])("%s", (_, lie) => {
    const machine = new DeviceMachine(module, DEVICES);
    expectRefused(machine, bootWithLie(machine, lie), "SealPlan");
  });

  /** The BAR's register says something else too, which is looked at later: what counts is the reason. */
  test.each<[string, Lie, string]>([
    ["whose ports are the console's", (plan) => {
      plan.write(plan.function(0, "Bars", 8, 24 + 8), 0x3f8n);
      plan.write(plan.function(0, "Bars", 8, 24 + 16), 0x9n);
    }, "ports with two uses"],
    ["whose ports are those of configuration space", (plan) => {
      plan.write(plan.function(0, "Bars", 8, 24 + 8), 0xcf0n);
      plan.write(plan.function(0, "Bars", 8, 24 + 16), 0x21n);
    }, "ports with two uses"],
    ["whose ports switch the machine off", (plan) => {
      plan.write(plan.header("PowerOff", 2), 0x604n);
      plan.write(plan.function(0, "Bars", 8, 24 + 8), 0x600n);
      plan.write(plan.function(0, "Bars", 8, 24 + 16), 0x9n);
    }, "ports with two uses"],
    ["whose ports are another function's", (plan) => {
      for (const index of [0, 1]) {
        plan.write(plan.function(index, "Bars", 8, 24 + 8), 0xc000n + 4n * BigInt(index));
        plan.write(plan.function(index, "Bars", 8, 24 + 16), 0x9n);
      }
    }, "ports with two uses"],
    ["whose ports do not exist", (plan) => {
      plan.write(plan.function(0, "Bars", 8, 24 + 8), 0xfff0n);
      plan.write(plan.function(0, "Bars", 8, 24 + 16), 0x21n);
    }, "ports that cannot be"],
  ])("%s", (_, lie, why) => {
    const machine = new DeviceMachine(module, DEVICES);
    expectRefused(machine, bootWithLie(machine, lie), "SealPlan");
    expect(machine.lines.join("\n")).toContain(why);
  });

  test("whose BAR is mapped over its MSI-X table", () => {
    const machine = new DeviceMachine(module, DEVICES);
    const end = bootWithLie(machine, (plan) => {
      const guest = plan.read(plan.function(0, "Bars", 8));
      plan.write(plan.entry(own("EptRoot")(plan), guest + BigInt(DISK_TABLE), 1), BigInt(DISK_BAR + DISK_TABLE) | 3n);
    });
    expectRefused(machine, end, "SealEpt");
  });
});
