// The plan of a system with several partitions and cores: memory that does not overlap, seals that notice, cores that join.

import { beforeAll, describe, expect, test } from "vitest";
import { eptLeaves, leafAt, pagingLeaves, type Leaf } from "../machine/page-walker.ts";
import { Stopped } from "../machine/machine.ts";
import { enumReader } from "../machine/source-enums.ts";
import { readProfile } from "./capabilities.ts";
import { DIRECT_BASE, KERNEL_MEMORY, MONITOR_MEMORY } from "../memory/addresses.ts";
import { compileKernel, KernelMachine, type KernelModules, startedKernel } from "./kernel-machine.ts";
import type { KernelOptions } from "./kernel-options.ts";

const GIB = 1n << 30n;
const MIB = 1n << 20n;
const READ_WRITE_EXECUTE_WRITE_BACK = 0x37n;

const planPartition = enumReader("kernel/partition/plan.ts", "PlanPartition");
const planCore = enumReader("kernel/partition/plan-machine.ts", "PlanCore");
const fixed = enumReader("kernel/memory/layout.ts", "Fixed");
const reason = enumReader("kernel/boot/fatal.ts", "FatalReason");

let module: KernelModules;
beforeAll(async () => {
  module = await compileKernel();
}, 240_000);

/** A field of a partition's record, which lies in the plan's second page. */
function planned(machine: KernelMachine, partition: number, field: string): bigint {
  return machine.memory.read(Number(machine.plan) + 4096 + partition * planPartition("Size") + planPartition(field), 8);
}

interface Range { base: bigint; end: bigint }
const overlap = (a: Range, b: Range): boolean => a.base < b.end && b.base < a.end;

function hostRanges(machine: KernelMachine, partition: number): Range[] {
  return eptLeaves(machine.memory, planned(machine, partition, "EptRoot")).map(({ to, size }) => ({ base: to, end: to + size }));
}

/** Guest-physical ranges that the leaves map, joined where they follow one another in guest and host. */
function guestRanges(leaves: Leaf[]): { gpa: bigint; hpa: bigint; length: bigint }[] {
  const ranges: { gpa: bigint; hpa: bigint; length: bigint }[] = [];
  for (const { from, to, size } of leaves) {
    const last = ranges.at(-1);
    if (last !== undefined && last.gpa + last.length === from && last.hpa + last.length === to) last.length += size;
    else ranges.push({ gpa: from, hpa: to, length: size });
  }
  return ranges;
}

describe("EPT of one partition", () => {
  test("maps its memory from 0 and nothing else, readable, writable, executable and write-back", async () => {
    const machine = await startedKernel({ partitions: [{ memory: "6 MiB" }] });
    const pointer = machine.vmcs("EPT_POINTER");
    expect(pointer & 0xfffn).toBe(0x1en); // write-back, four levels
    const leaves = eptLeaves(machine.memory, pointer & ~0xfffn);
    expect(guestRanges(leaves)).toEqual([{ gpa: 0n, hpa: planned(machine, 0, "MemoryBase"), length: 6n * MIB }]);
    for (const { entry, size } of leaves) {
      expect(size).toBe(2n * MIB);
      expect(entry & 0x3fn).toBe(READ_WRITE_EXECUTE_WRITE_BACK);
    }
  });

  test("memory beyond 3 GiB lies above 4 GiB, and large pages are used as far as they go", async () => {
    const memoryMap = [{ base: 0x10_0000, length: 0xff0_0000, type: 1 }, { base: 0x1_0000_0000, length: 0x2_0000_0000, type: 1 }];
    const machine = await startedKernel({ partitions: [{ memory: "4 GiB" }], memoryMap });
    const base = planned(machine, 0, "MemoryBase");
    const leaves = eptLeaves(machine.memory, machine.vmcs("EPT_POINTER") & ~0xfffn);
    expect(guestRanges(leaves)).toEqual([
      { gpa: 0n, hpa: base, length: 3n * GIB },
      { gpa: 4n * GIB, hpa: base + 3n * GIB, length: GIB },
    ]);
    expect(leaves.map(({ size }) => size)).toEqual([GIB, GIB, GIB, GIB]);
  });

  test("without large pages in the processor all leaves are 4 KiB", async () => {
    const profile = readProfile();
    profile.msrs.set("IA32_VMX_EPT_VPID_CAP", profile.msrs.get("IA32_VMX_EPT_VPID_CAP")! & ~0x3_0000n);
    const machine = await startedKernel({ profile });
    const leaves = eptLeaves(machine.memory, machine.vmcs("EPT_POINTER") & ~0xfffn);
    expect(leaves).toHaveLength(1024);
    expect(leaves.every(({ size }) => size === 4096n)).toBe(true);
  });
});

describe("three partitions on three cores", () => {
  let machine: KernelMachine;
  beforeAll(async () => {
    machine = await startedKernel({ partitions: [{ memory: "4 MiB" }, { memory: "8 MiB" }, { memory: "2 MiB" }] });
  });

  test("no EPT reaches another's memory, the kernel's image, or any frame the kernel uses", () => {
    const own = [0, 1, 2].map((partition) => hostRanges(machine, partition));
    const kernelFrames = ["EptRoot", "VcpuControls", "MsrBitmap", "IoBitmaps", "Monitor", "Status"];
    const reserved: Range[] = [{ base: 0x20_0000n, end: 0x40_0000n }, { base: machine.plan, end: machine.plan + 0x2000n }, { base: 0x60_0000n, end: 0x62_0000n }];
    for (const partition of [0, 1, 2]) {
      for (const frame of kernelFrames) reserved.push({ base: planned(machine, partition, frame), end: planned(machine, partition, frame) + 4096n });
    }
    const clashes = own.flatMap((ranges, partition) => ranges.flatMap((range) => [
      ...reserved.filter((other) => overlap(range, other)),
      ...own.flatMap((others, index) => (index === partition ? [] : others.filter((other) => overlap(range, other)))),
    ]));
    expect(clashes).toEqual([]);
    expect(own.map((ranges) => ranges.reduce((sum, { base, end }) => sum + end - base, 0n))).toEqual([4n * MIB, 8n * MIB, 2n * MIB]);
  });

  test("each has VMCS, bitmaps, EPT, monitor and status page of its own", () => {
    const frames = [0, 1, 2].flatMap((partition) => ["EptRoot", "VcpuControls", "MsrBitmap", "IoBitmaps", "Monitor", "Status"].map((name) => planned(machine, partition, name)));
    expect(new Set(frames).size).toBe(frames.length);
    expect(frames).not.toContain(0n);
  });

  test("the seal is told before the first other core starts", () => {
    expect(machine.lines.some((line) => line.includes("sealed: every EPT and page table matches the policy"))).toBe(true);
    expect(machine.bootCalls.filter((call) => call.startsWith("startCore"))).toHaveLength(2);
    expect(machine.localApic.commands.filter(({ command }) => (command & 0x700) === 0x500)).toHaveLength(2);
  });

  describe("tables of core 1", () => {
    const tables = (core: number): Leaf[] => {
      const call = machine.bootCalls.filter((one) => one.startsWith("startCore"))[core - 1]!;
      return pagingLeaves(machine.memory, BigInt(call.split(" ")[1]!));
    };
    const reaches = (leaves: Leaf[], physical: bigint): boolean => leafAt(leaves, DIRECT_BASE + physical) !== undefined;

    test("reach its own partition's memory and no other's", () => {
      const leaves = tables(1);
      const bases = [0, 1, 2].map((partition) => planned(machine, partition, "MemoryBase"));
      expect(bases.map((base) => reaches(leaves, base))).toEqual([false, true, false]);
      expect(leafAt(leaves, MONITOR_MEMORY)?.to).toBe(planned(machine, 1, "Monitor") + 4096n);
    });

    test("reach no EPT, bitmap or VMCS, and the plan for reading only", () => {
      const leaves = tables(1);
      for (const name of ["EptRoot", "MsrBitmap", "IoBitmaps", "VcpuControls"]) expect(reaches(leaves, planned(machine, 1, name)), name).toBe(false);
      expect(leafAt(leaves, DIRECT_BASE + machine.plan)!.entry & 2n).toBe(0n);
    });
  });
});

describe("a core that joins", () => {
  /** The kernel instance of core 1 with the linear memory that core 0 prepared for it. */
  function join(first: KernelMachine, options: KernelOptions): { second: KernelMachine; end: string } {
    const pml4 = BigInt(first.bootCalls.find((call) => call.startsWith("startCore"))!.split(" ")[1]!);
    const frame = leafAt(pagingLeaves(first.memory, pml4), KERNEL_MEMORY)!.to;
    const second = new KernelMachine(module, options, { coreId: 1, apicId: 1, memory: first.memory, clock: first.clock });
    second.processor.cr3 = pml4;
    second.onIdle = () => {
      throw new Stopped("idle");
    };
    second.view.setBigUint64(fixed("Plan"), first.memory.read(Number(frame) + fixed("Plan"), 8), true);
    return { second, end: second.run(() => second.kernel.bootApplication()) };
  }

  test("enters its own partition with its own VMCS and VPID", async () => {
    const options = { partitions: [{}, {}] };
    const first = await startedKernel(options);
    const { second, end } = join(first, options);
    expect(end).toBe("enterGuest");
    expect(second.plan).toBe(first.plan);
    expect(second.vmcs("EPT_POINTER") & ~0xfffn).toBe(planned(first, 1, "EptRoot"));
    expect(second.vmcs("VIRTUAL_PROCESSOR_ID")).not.toBe(first.vmcs("VIRTUAL_PROCESSOR_ID"));
    expect(second.processor.vmxCalls.find(({ name }) => name === "vmptrld")!.operands).toEqual([planned(first, 1, "VcpuControls")]);
    const vmxon = (machine: KernelMachine): bigint => machine.processor.vmxCalls.find(({ name }) => name === "vmxon")!.operands[0]!;
    expect(vmxon(second)).not.toBe(vmxon(first));
  });

  test("its partition's end leaves the other one alone, and core 0 tells all when both have ended", async () => {
    const options = { partitions: [{}, {}] };
    const first = await startedKernel(options);
    const { second } = join(first, options);
    expect(second.run(() => second.exit("TRIPLE_FAULT"))).toBe("idle");
    expect(first.exit("CPUID")).toBe(0);
    expect(first.exit("EXTERNAL_INTERRUPT", { VM_EXIT_INTERRUPTION_INFORMATION: 0x8000_00f0n })).toBe(0);
    expect(first.lines).toContain("[bulkhead] partition guest1 stopped: triple fault");
    expect(first.run(() => first.exit("TRIPLE_FAULT"))).toBe("halt");
    expect(first.lines.join("\n")).toMatch(/summary: guest1: core 1, 4 MiB, triple fault/);
  });

  test("without a partition it sleeps", async () => {
    const options = { cores: 2, partitions: [{}] };
    const first = await startedKernel(options);
    const { second, end } = join(first, options);
    expect(end).toBe("idle");
    expect(second.processor.vmxCalls.map(({ name }) => name)).toEqual(["vmxon"]);
  });

  test("attack: that is another than the plan says stops", async () => {
    const options = { partitions: [{}, {}] };
    const first = await startedKernel(options);
    first.memory.write(Number(first.plan) + 4 * 4096 + planCore("Size") + planCore("ApicId"), 4, 2n);
    const { second, end } = join(first, options);
    expect(end).toBe("halt");
    expect(second.lines.join("\n")).toContain(`fatal ${reason("SealPlan")} on core 1`);
    expect(second.processor.vmxCalls).toEqual([]);
  });

  test("that lacks what core 0 has stops with the missing bit", async () => {
    const options = { partitions: [{}, {}] };
    const first = await startedKernel(options);
    const profile = readProfile();
    profile.msrs.set("IA32_VMX_EPT_VPID_CAP", profile.msrs.get("IA32_VMX_EPT_VPID_CAP")! & ~(1n << 32n));
    const { second, end } = join(first, { ...options, profile });
    expect(end).toBe("halt");
    expect(second.lines.join("\n")).toContain(`fatal ${reason("ProcessorUnsuitable")} on core 1`);
  });
});

describe("a system that cannot be", () => {
  function refused(options: KernelOptions): KernelMachine {
    const machine = new KernelMachine(module, options);
    expect(machine.boot()).toBe("halt");
    expect(machine.processor.vmxCalls).toEqual([]);
    return machine;
  }

  test("policy.bin damaged: fatal with partition and clause", () => {
    const machine = refused({ prepare: (made) => made.memory.write(0x60_0040, 1, 0x80n) });
    expect(machine.lines.join("\n")).toContain(`fatal ${reason("PolicyInvalid")} on core 0`);
    expect(machine.lines.join("\n")).toContain("policy.bin: partition 0: name empty, not terminated or not printable");
  });

  test("a partition on a core that the machine does not have", () => {
    expect(refused({ cores: 1, partitions: [{ core: 1 }] }).lines.join("\n")).toContain("core that this machine does not have");
  });

  test("more memory than there is", () => {
    const machine = refused({ partitions: [{ memory: "1 GiB" }] });
    expect(machine.lines.join("\n")).toContain(`fatal ${reason("OutOfFrames")} on core 0`);
    expect(machine.lines.join("\n")).toContain("bytes wanted for a partition 0x0000000040000000");
  });

  test("a core that does not start", () => {
    const machine = new KernelMachine(module, { partitions: [{}, {}], prepare: (made) => { made.coreStarts = [false]; } });
    expect(machine.boot()).toBe("halt");
    expect(machine.lines.join("\n")).toContain(`fatal ${reason("CoreNotStarted")} on core 0`);
  });
});

test("an EPT that changed after it was built is found by the seal", () => {
  const machine = new KernelMachine(module);
  const memory = machine.memory;
  const write = memory.write.bind(memory);
  let corrupted = false;
  // The first leaf of the EPT, read-write-execute, write-back and large, goes to the kernel's image instead.
  memory.write = (address, size, value) => {
    const isLeaf = size === 8 && (BigInt.asUintN(64, value) & 0xfffn) === 0xb7n;
    write(address, size, isLeaf && !corrupted ? 0x20_00b7n : value);
    corrupted ||= isLeaf;
  };
  expect(machine.boot()).toBe("halt");
  expect(corrupted).toBe(true);
  expect(machine.lines.join("\n")).toContain(`fatal ${reason("SealEpt")} on core 0: an EPT does not match the policy`);
  expect(machine.bootCalls).not.toContain("enterGuest");
});
