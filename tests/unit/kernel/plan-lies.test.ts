// The seal against a planner that lies: what it chose or built wrongly is refused before the first VM entry, or written anew.

import { beforeAll, describe, expect, test } from "vitest";
import { ImageKind } from "../../../monitor/interface.ts";
import { imageAddress } from "../machine/machine.ts";
import { enumReader } from "../machine/source-enums.ts";
import { CORE_BASE, DIRECT_BASE, IMAGE_BASE, KERNEL_MEMORY } from "../memory/addresses.ts";
import { compileKernel, KernelMachine } from "./kernel-machine.ts";
import type { KernelOptions } from "./kernel-options.ts";
import { expectRefused } from "./expect-refused.ts";
import { Plan, bootWithLie, other, own, type Lie } from "./plan-lies.ts";

const policyHeader = enumReader("kernel/policy/layout.ts", "PolicyHeader");
const policyPartition = enumReader("kernel/policy/layout.ts", "PolicyPartition");
const coreData = enumReader("kernel/memory/layout.ts", "CoreData");
const corePage = enumReader("kernel/memory/layout.ts", "CorePage");
const fixed = enumReader("kernel/memory/layout.ts", "Fixed");

const PAGE = 4096n;
const MIB2 = 0x20_0000n;
const FRAME = 0x000f_ffff_ffff_f000n;
const WRITABLE = 1n << 1n;
const USER = 1n << 2n;
const NX = 1n << 63n;
const RAM_LEAF = 0xb7n; // all rights, write-back, large
const IMAGE = 0x20_0000n;
const ROM = Buffer.alloc(0x2_0000, "rom ");

/** Two partitions, the first with a disk, and a core that runs none. */
const OPTIONS: KernelOptions = { cores: 3, partitions: [{ disk: { file: "disk.img" } }, { memory: "8 MiB" }] };
const FIRMWARE: KernelOptions = { partitions: [{}], image: { kind: ImageKind.Firmware, bytes: ROM } };

let module: Awaited<ReturnType<typeof compileKernel>>;
beforeAll(async () => {
  module = await compileKernel();
}, 240_000);

function lied(lie: Lie, options = OPTIONS): { machine: KernelMachine; end: string } {
  const machine = new KernelMachine(module, options);
  return { machine, end: bootWithLie(machine, lie) };
}

const set = (name: string, from: (plan: Plan) => bigint): Lie => (plan) => plan.write(plan.partition(0, name), from(plan));
const setHeader = (name: string, value: (plan: Plan) => bigint, size = 8): Lie => (plan) => plan.write(plan.header(name, size), value(plan));
const setCore = (core: number, name: string, value: (plan: Plan) => bigint): Lie => (plan) => plan.write(plan.core(core, name), value(plan));

test("the truth is let pass", () => {
  expect(lied(() => {}).end).toBe("enterGuest");
});

describe("a plan is refused in which", () => {
  test.each<[string, Lie]>([
    ["two partitions have the same memory", set("MemoryBase", other("MemoryBase"))],
    ["the memory of one begins in that of another", set("MemoryBase", (plan) => other("MemoryBase")(plan) + MIB2)],
    ["a partition's memory covers the kernel's image", set("MemoryBase", () => IMAGE)],
    ["a partition's memory covers the plan", set("MemoryBase", (plan) => plan.machine.plan)],
    ["a partition's memory covers the policy", set("MemoryBase", (plan) => plan.read(plan.module(0)))],
    ["a partition's memory covers another's disk", (plan) => plan.write(plan.partition(1, "MemoryBase"), plan.read(plan.module(2)))],
    ["a partition's memory covers its own VMCS", set("MemoryBase", own("VcpuControls"))],
    ["a partition's memory covers the I/O APIC", set("MemoryBase", () => 0xfec0_0000n)],
    ["a partition's memory lies beyond what can be cleared", set("MemoryBase", () => 0x3_ffff_f000n)],
    ["a partition's memory begins within a page", set("MemoryBase", (plan) => own("MemoryBase")(plan) + 8n)],
    ["the APIC-access page is the local APIC's", set("ApicAccessPage", () => 0xfee0_0000n)],
    ["the APIC-access page is another partition's status page", set("ApicAccessPage", other("Status"))],
    ["two partitions have one monitor", set("Monitor", other("Monitor"))],
    ["a monitor lies in the kernel memory of a core", set("Monitor", (plan) => plan.read(plan.core(1, "KernelMemory")) + PAGE)],
    ["two vCPUs have one VMCS", set("VcpuControls", other("VcpuControls"))],
    ["an MSR bitmap lies in the partition's memory", set("MsrBitmap", own("MemoryBase"))],
    ["I/O bitmaps reach into another frame's use", set("IoBitmaps", (plan) => own("Status")(plan) - PAGE)],
    ["there is no frame for a VMCS", set("VcpuControls", () => 0n)],
    ["two cores have one block", setCore(2, "Block", (plan) => plan.read(plan.core(1, "Block")))],
    ["a core has core 0's memory", setCore(1, "KernelMemory", (plan) => plan.read(plan.core(0, "KernelMemory")))],
    ["two cores have one VMXON region", (plan) => plan.write(plan.at(BigInt(plan.header("CoreRegions").address)), plan.read(plan.at(BigInt(plan.header("CoreRegions").address + 8))))],
    ["the rings lie in the plan", setHeader("Rings", (plan) => plan.machine.plan + PAGE)],
    ["what devices did is written into a partition's memory", setHeader("DeviceReports", own("MemoryBase"))],
    ["the trampoline lies in the kernel", setHeader("Trampoline", () => IMAGE)],
    ["a module covers the kernel", (plan) => plan.write(plan.module(1), IMAGE)],
    ["a module wraps around", (plan) => plan.write(plan.module(1, 8), 0xffff_ffff_ffff_f000n)],
    ["the screen covers a partition's memory", (plan) => {
      plan.write(plan.header("ScreenAddress"), own("MemoryBase")(plan));
      plan.write(plan.header("ScreenLength"), 0x1_0000n);
    }],
    ["there are more cores than records", setHeader("CoreCount", () => 65n, 4)],
    ["there is no core", setHeader("CoreCount", () => 0n, 4)],
    ["core 0 is another", (plan) => plan.write(plan.core(0, "ApicId", 4), 1n)],
    ["there are more modules than records", setHeader("ModuleCount", () => 65n, 4)],
    ["there are more functions than records", setHeader("FunctionCount", () => 33n, 4)],
  ])("%s", (_, lie) => {
    const { machine, end } = lied(lie);
    expectRefused(machine, end, "SealPlan");
  });

  test("a ROM lies in the module of another", () => {
    const { machine, end } = lied((plan) => plan.write(plan.partition(0, "RomBase"), plan.read(plan.module(1))), FIRMWARE);
    expectRefused(machine, end, "SealPlan");
  });
});

describe("a policy that the planner has not checked is refused where", () => {
  const inHeader = (name: string, value: bigint): Lie => (plan) => plan.write({ address: Number(plan.read(plan.module(0))) + policyHeader(name), size: 4 }, value);
  const inPartition = (index: number, name: string, value: bigint, size = 4): Lie => (plan) => plan.write(
    { address: Number(plan.read(plan.module(0))) + policyHeader("Partitions") + index * policyPartition("Size") + policyPartition(name), size }, value,
  );
  test.each<[string, Lie]>([
    ["it is shorter than its header", (plan) => plan.write(plan.module(0, 8), 0x20n)],
    ["its records end behind it", (plan) => plan.write(plan.module(0, 8), 0x100n)],
    ["it has no partition", inHeader("PartitionCount", 0n)],
    ["it has more partitions than records", inHeader("PartitionCount", 17n)],
    ["it has more devices than records", inHeader("DeviceCount", 33n)],
    ["a partition has no vCPU", inPartition(0, "VcpuCount", 0n)],
    ["a partition has too many vCPUs", inPartition(0, "VcpuCount", 9n)],
    ["two partitions have one core", inPartition(1, "Cores", 0n, 1)],
    ["a core is absent", inPartition(1, "Cores", 3n, 1)],
    ["a partition's memory is no multiple of 2 MiB", inPartition(0, "MemorySize", 0x40_1000n, 8)],
    ["a partition has no memory", inPartition(0, "MemorySize", 0n, 8)],
    ["an image is no module", inPartition(0, "KernelModule", 3n)],
    ["an image is the policy", inPartition(0, "KernelModule", 0n)],
    ["a RAM disk is no module", inPartition(0, "RamDiskModule", 64n)],
    ["a disk is no module", inPartition(0, "DiskModule", 9n)],
    ["a command line ends behind it", inPartition(0, "CommandLineLength", 0x10000n)],
    ["a command line begins behind it", inPartition(0, "CommandLineOffset", 0xffff_fff0n)],
    ["a disk that is written is another's disk", inPartition(1, "DiskModule", 2n)],
    ["a disk that is written is another's image", inPartition(1, "KernelModule", 2n)],
    ["a disk that is written is its own RAM disk", inPartition(0, "RamDiskModule", 2n)],
  ])("%s", (_, lie) => {
    const { machine, end } = lied(lie);
    expectRefused(machine, end, "SealPlan");
  });
});

describe("an EPT is refused in which", () => {
  const change = (gpa: bigint, level: number, to: (entry: bigint, plan: Plan) => bigint, root = "EptRoot"): Lie => (plan) => {
    const place = plan.entry(own(root)(plan), gpa, level);
    plan.write(place, to(plan.read(place), plan));
  };
  test.each<[string, Lie]>([
    ["a leaf leads to another partition", change(0n, 1, (_, plan) => other("MemoryBase")(plan) | RAM_LEAF)],
    ["a leaf leads to the kernel", change(0n, 1, () => IMAGE | RAM_LEAF)],
    ["a leaf is missing", change(0n, 1, () => 0n)],
    ["a leaf is too many", change(4n * MIB2, 1, () => 0x800_0000n | RAM_LEAF)],
    ["memory is cached otherwise", change(0n, 1, (entry) => entry & ~0x38n)],
    ["a table lies in the partition's memory", change(0n, 3, (entry, plan) => {
      const frame = own("MemoryBase")(plan);
      plan.copy(frame, entry & FRAME);
      return frame | (entry & 0xfffn);
    })],
    ["the root lies in the partition's memory", (plan) => {
      plan.copy(own("MemoryBase")(plan), own("EptRoot")(plan));
      plan.write(plan.partition(0, "EptRoot"), own("MemoryBase")(plan));
    }],
    ["the root is another's", set("EptRoot", other("EptRoot"))],
    ["the root begins within a page", (plan) => plan.write(plan.partition(0, "EptRoot"), own("EptRoot")(plan) + 8n)],
    ["the local APIC's page is mapped for every mode", set("EptRoot", own("ApicEptRoot"))],
    ["the local APIC's page is the machine's", change(0xfee0_0000n, 1, () => 0xfee0_0033n, "ApicEptRoot")],
  ])("%s", (_, lie) => {
    const { machine, end } = lied(lie);
    expectRefused(machine, end, "SealEpt");
  });

  test("a ROM can be written", () => {
    const { machine, end } = lied(change(0xffff_f000n, 1, (entry) => entry | WRITABLE), FIRMWARE);
    expectRefused(machine, end, "SealEpt");
  });
});

describe("a core's tables are refused in which", () => {
  const change = (address: (plan: Plan) => bigint, to: (entry: bigint, plan: Plan) => bigint, level = 1, core = 1): Lie => (plan) => {
    const place = plan.entry(plan.read(plan.core(core, "Pml4")), address(plan), level);
    plan.write(place, to(plan.read(place), plan));
  };
  const direct = (address: (plan: Plan) => bigint) => (plan: Plan): bigint => DIRECT_BASE + address(plan);
  const memoryOf = (core: number) => (plan: Plan): bigint => plan.read(plan.core(core, "KernelMemory"));
  test.each<[string, Lie]>([
    ["code can be written", change(() => IMAGE_BASE + BigInt(imageAddress("TextStart")), (entry) => entry | WRITABLE)],
    ["its memory can be executed", change(() => KERNEL_MEMORY, (entry) => entry & ~NX)],
    ["user mode has a page", change(() => KERNEL_MEMORY, (entry) => entry | USER)],
    ["user mode has a table", change(() => KERNEL_MEMORY, (entry) => entry | USER, 3)],
    ["its memory is another core's", change(() => KERNEL_MEMORY, (entry, plan) => (entry & ~FRAME) | memoryOf(2)(plan))],
    ["its memory is core 0's", change(() => KERNEL_MEMORY, (entry, plan) => (entry & ~FRAME) | memoryOf(0)(plan))],
    ["the guard of a stack is mapped", change(() => CORE_BASE + 9n * PAGE, (_, plan) => plan.read(plan.core(1, "Block")) + 9n * PAGE | WRITABLE | NX | 1n)],
    ["the guard of its memory is mapped", change(() => KERNEL_MEMORY + 256n * PAGE, (_, plan) => memoryOf(2)(plan) | WRITABLE | NX | 1n)],
    ["another partition's memory is mapped", change(direct(own("MemoryBase")), (_, plan) => own("MemoryBase")(plan) | 0x80n | WRITABLE | NX | 1n, 2)],
    ["another partition's memory is mapped to be read", change(direct(own("MemoryBase")), (_, plan) => own("MemoryBase")(plan) | 0x80n | NX | 1n, 2)],
    ["its partition's memory is not all mapped", change(direct(other("MemoryBase")), () => 0n, 2)],
    ["the plan can be written", change(direct((plan) => plan.machine.plan), (entry) => entry | WRITABLE)],
    ["the policy can be written", change(direct((plan) => plan.read(plan.module(0))), (entry) => entry | WRITABLE)],
    ["another's disk is mapped", change(direct((plan) => plan.read(plan.module(2))), (_, plan) => plan.read(plan.module(2)) | WRITABLE | NX | 1n)],
    ["its image can be written", change(direct((plan) => plan.read(plan.module(1))), (entry) => entry | WRITABLE)],
    ["a VMCS is mapped", change(direct(other("VcpuControls")), (_, plan) => other("VcpuControls")(plan) | WRITABLE | NX | 1n)],
    ["what devices did can be written", change(direct((plan) => plan.read(plan.header("DeviceReports"))), (entry) => entry | WRITABLE)],
    ["a table lies in its partition's memory", change(direct(other("MemoryBase")), (entry, plan) => {
      const frame = other("MemoryBase")(plan);
      plan.copy(frame, entry & FRAME);
      return frame | (entry & 0xfffn);
    }, 3)],
    ["the root is another core's", setCore(1, "Pml4", (plan) => plan.read(plan.core(2, "Pml4")))],
  ])("%s", (_, lie) => {
    const { machine, end } = lied(lie);
    expectRefused(machine, end, "SealPageTables");
  });
});

describe("what the kernel starts from it writes anew:", () => {
  let honest: KernelMachine;
  beforeAll(() => {
    honest = new KernelMachine(module, OPTIONS);
    expect(honest.boot()).toBe("enterGuest");
  });

  test.each<[string, number]>([["MsrBitmap", 1], ["X2ApicMsrBitmap", 1], ["IoBitmaps", 2], ["VcpuControls", 1], ["Status", 1], ["ApicAccessPage", 1]])("%s", (name, pages) => {
    const { machine, end } = lied((plan) => plan.machine.memory.writeBytes(Number(other(name)(plan)), Buffer.alloc(pages * 4096, 0x5a)));
    expect(end).toBe("enterGuest");
    const bytes = (one: KernelMachine): Buffer => Buffer.from(one.memory.readBytes(Number(other(name)(new Plan(one))), pages * 4096));
    expect(bytes(machine).equals(bytes(honest))).toBe(true);
  });

  test.each<[string, Lie]>([
    ["another core for a partition", (plan) => {
      plan.write({ address: plan.header("CorePartitions").address + 4, size: 4 }, 0n);
      plan.write({ address: plan.header("CorePartitions").address + 8, size: 4 }, 1n);
    }],
    ["more memory than the policy gives", set("LowMemory", () => 0x4000_0000n)],
    ["memory above 4 GiB", set("HighMemory", () => 0x4000_0000n)],
    ["another image", (plan) => plan.write(plan.partition(0, "Images"), own("MemoryBase")(plan))],
    ["another's disk", (plan) => {
      plan.write({ address: plan.partition(1, "Images").address + 48, size: 8 }, plan.read(plan.module(2)));
      plan.write({ address: plan.partition(1, "Images").address + 56, size: 8 }, 0x1000n);
    }],
    ["another policy", setHeader("Policy", own("MemoryBase"))],
    ["another size of the policy", setHeader("PolicySize", () => 0x10_0000n)],
    ["core 0's memory elsewhere", setCore(0, "KernelMemory", own("MemoryBase"))],
  ])("a plan that says %s", (_, lie) => {
    const { machine, end } = lied(lie);
    expect(end).toBe("enterGuest");
    const bytes = (one: KernelMachine): Buffer => Buffer.from(one.memory.readBytes(Number(one.plan), 9 * 4096));
    expect(bytes(machine).equals(bytes(honest))).toBe(true);
  });

  test("the block and the memory of another core", () => {
    const { machine, end } = lied((plan) => {
      plan.machine.memory.writeBytes(Number(plan.read(plan.core(1, "Block"))), Buffer.alloc(20 * 4096, 0x5a));
      plan.machine.memory.writeBytes(Number(plan.read(plan.core(1, "KernelMemory"))), Buffer.alloc(257 * 4096, 0x5a));
    });
    expect(end).toBe("enterGuest");
    const plan = new Plan(machine);
    const block = Buffer.from(machine.memory.readBytes(Number(plan.read(plan.core(1, "Block"))), 20 * 4096));
    const expectedBlock = Buffer.alloc(20 * 4096);
    expectedBlock.writeUInt32LE(1, corePage("CoreData") * 4096 + coreData("CoreId"));
    expect(block.equals(expectedBlock)).toBe(true);
    const memory = Buffer.from(machine.memory.readBytes(Number(plan.read(plan.core(1, "KernelMemory"))), 257 * 4096));
    const expectedMemory = Buffer.alloc(257 * 4096);
    expectedMemory.writeBigUInt64LE(machine.plan, 4096 + fixed("Plan"));
    expect(memory.equals(expectedMemory)).toBe(true);
  });

  test("a ROM", () => {
    const { machine, end } = lied((plan) => plan.machine.memory.writeBytes(Number(own("RomBase")(plan)), Buffer.alloc(ROM.length, 0x5a)), FIRMWARE);
    expect(end).toBe("enterGuest");
    const base = Number(own("RomBase")(new Plan(machine)));
    expect(Buffer.from(machine.memory.readBytes(base, ROM.length)).equals(ROM)).toBe(true);
  });
});
