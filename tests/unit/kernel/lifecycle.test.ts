// A partition's end and its new beginnings: triple fault, entry failure, monitor fault, and the summary.

import { beforeEach, describe, expect, test } from "vitest";
import { EntryMode, LoadStatus, Mailbox, PartitionRequest } from "../../../monitor/interface.ts";
import { Stopped } from "../machine/machine.ts";
import { readEnum } from "../machine/source-enums.ts";
import { compileKernel, KernelMachine, startedKernel } from "./kernel-machine.ts";
import type { PartitionOptions } from "./kernel-options.ts";

const RESUME = 0;
const LAUNCH = 1;

let machine: KernelMachine;
async function start(partition: PartitionOptions = {}): Promise<void> {
  machine = await startedKernel({ partitions: [partition] });
  machine.setVmcs({ GUEST_RIP: 0x1000n });
}
beforeEach(() => start(), 120_000);

const text = (): string => machine.lines.join("\n");
const monitorFaults = (): never => {
  throw new WebAssembly.RuntimeError("unreachable");
};

describe("triple fault", () => {
  test("stop: the partition ends and the summary says why", () => {
    expect(() => machine.exit("TRIPLE_FAULT")).toThrow(Stopped);
    expect(text()).toContain("partition guest0 stopped: triple fault");
    expect(text()).toContain("audit: guest0 core 0 RIP 0x0000000000001000: triple fault");
    expect(text()).toContain("summary: guest0: core 0, 4 MiB, triple fault, restarts 0");
    expect(text()).toContain("summary: guest0: exits triple fault 1");
    expect(machine.bootCalls.at(-1)).toBe("halt");
  });

  test("restart: memory cleared, image loaded again, state as at the first entry, VMLAUNCH", async () => {
    await start({ health: { fault: "restart" } });
    const base = Number(/MiB at (0x[0-9a-f]+)/.exec(text())![1]!);
    machine.memory.write(base + 0x5000, 8, 0xdeadn);
    machine.processor.msrs.set(0xc000_0082, 0x1234n);
    machine.pend({ vector: 0x30 });
    machine.registers({ r12: 12n });
    machine.setVmcs({ GUEST_INTERRUPTIBILITY: 8n, GUEST_ACTIVITY_STATE: 2n, GUEST_CR0: 0x8000_0031n, GUEST_IA32_EFER: 0x500n });
    const before = machine.processor.vmxCalls.length;
    expect(machine.exit("TRIPLE_FAULT")).toBe(LAUNCH);
    expect(machine.memory.read(base + 0x5000, 8)).toBe(0n);
    expect(machine.monitorCalls("start")).toHaveLength(2);
    expect(machine.msr("IA32_LSTAR")).toBe(0n);
    expect([machine.register("r12"), machine.register("rbx"), machine.vmcs("GUEST_RIP")]).toEqual([0n, 0x9000n, 0x10_0000n]);
    const expected = { GUEST_INTERRUPTIBILITY: 0n, GUEST_ACTIVITY_STATE: 0n, GUEST_CR0: 0x31n, GUEST_IA32_EFER: 0n };
    for (const [name, value] of Object.entries(expected)) expect(machine.vmcs(name), name).toBe(value);
    expect(machine.event).toBeUndefined();
    // VMLAUNCH wants a VMCS in the state that VMCLEAR leaves, and stale translations go.
    expect(machine.processor.vmxCalls.slice(before).map(({ name }) => name)).toEqual(["vmclear", "vmptrld", "invept", "invept", "invvpid"]);
  });

  test("after the limit of restarts the partition stops", async () => {
    await start({ health: { fault: "restart", restartLimit: 2 } });
    expect(machine.exit("TRIPLE_FAULT")).toBe(LAUNCH);
    expect(machine.exit("TRIPLE_FAULT")).toBe(LAUNCH);
    expect(() => machine.exit("TRIPLE_FAULT")).toThrow(Stopped);
    expect(text()).toContain("partition guest0 stopped: restarted too often");
    expect(text()).toContain("restarted too often, restarts 2");
  });

  test("a guest's own resets take nothing from the limit", async () => {
    await start({ health: { fault: "restart", restartLimit: 1 } });
    machine.answer("portWrite", () => void machine.monitor.mailbox.setUint32(Mailbox.Request, PartitionRequest.Reset, true));
    const reset = (): number => machine.exit("IO_INSTRUCTION", { EXIT_QUALIFICATION: 0xcf9n << 16n, VM_EXIT_INSTRUCTION_LENGTH: 1n });
    expect([reset(), reset(), reset()]).toEqual([LAUNCH, LAUNCH, LAUNCH]);
    expect(machine.exit("TRIPLE_FAULT")).toBe(LAUNCH);
    expect(() => machine.exit("TRIPLE_FAULT")).toThrow(Stopped);
    expect(text()).toContain("restarted too often, restarts 4");
  });
});

describe("VM entry failure", () => {
  test("found by the processor in the guest state: the VMCS with field names, and the partition alone ends", () => {
    machine.setVmcs({ GUEST_CR3: 0xabc_d000n });
    expect(() => machine.exit("ENTRY_FAILURE_GUEST_STATE", { EXIT_REASON: 0x8000_0021n, EXIT_QUALIFICATION: 2n })).toThrow(Stopped);
    expect(text()).toContain("VM entry failed, exit reason 0x80000021, qualification 0x0000000000000002");
    expect(machine.lines).toContain("[bulkhead]   GUEST_CR3 = 0x000000000abcd000");
    expect(text()).toContain("partition guest0 stopped: VM entry failed");
    expect(text()).toContain("summary: guest0: exits invalid guest state 1");
  });

  test("the dump names every field that the kernel knows", () => {
    expect(() => machine.exit("ENTRY_FAILURE_GUEST_STATE", { EXIT_REASON: 0x8000_0021n })).toThrow(Stopped);
    const named = new Set(machine.lines.flatMap((line) => /^\[bulkhead\] {3}([A-Z0-9_]+) = 0x/.exec(line)?.[1] ?? []));
    expect([...readEnum("kernel/cpu/vmx/field.ts", "VmcsField").keys()].filter((name) => !named.has(name))).toEqual([]);
  });

  test("refused by VMLAUNCH or VMRESUME: the VM-instruction error, the VMCS, and a fatal reason", () => {
    machine.setVmcs({ VM_INSTRUCTION_ERROR: 7n });
    expect(() => machine.kernel.entryFailed(2)).toThrow(Stopped);
    expect(text()).toContain("VM entry refused, status 0x2, VM-instruction error 0x07");
    expect(text()).toContain("PIN_BASED_CONTROLS = 0x000000000000007f");
    expect(text()).toContain("fatal 17 on core 0: VM entry failed");
  });

  test("an exit that nothing asked for ends the partition with the same dump", () => {
    expect(() => machine.exit("CPUID", { EXIT_REASON: 43n })).toThrow(Stopped);
    expect(text()).toContain("unexpected exit reason 0x0000002b");
    expect(text()).toContain("partition guest0 stopped: VM entry failed");
  });
});

describe("a monitor that faults", () => {
  const port = (): number => machine.exit("IO_INSTRUCTION", { EXIT_QUALIFICATION: 0x3f8_0008n });

  test("stops its partition by the policy, with the place of the fault", () => {
    machine.answer("portRead", monitorFaults);
    expect(() => port()).toThrow(Stopped);
    expect(text()).toMatch(/monitor fault at 0x[0-9a-f]{16}/);
    expect(text()).toContain("partition guest0 stopped: its monitor faulted");
  });

  test("is made anew when the partition restarts", async () => {
    await start({ health: { fault: "restart", restartLimit: 1 } });
    machine.answer("portRead", monitorFaults);
    expect(port()).toBe(LAUNCH);
    expect(machine.monitorCalls("start")).toHaveLength(2);
    machine.answer("portRead", () => 0x60);
    expect(port()).toBe(RESUME);
    expect(machine.register("rax")).toBe(0x60n);
  });

  test("counts as one fault though an interrupt waited in its mailbox", async () => {
    await start({ health: { fault: "restart", restartLimit: 1 } });
    machine.setVmcs({ GUEST_RFLAGS: 0x202n });
    machine.answer("portRead", monitorFaults);
    machine.answer("acknowledge", monitorFaults);
    machine.pend({ vector: 0x30 });
    expect(port()).toBe(LAUNCH);
    expect(machine.lines.filter((line) => line.includes("monitor fault at"))).toHaveLength(1);
  });

  test.each(["timer", "memoryAccess", "msrRead", "acknowledge"])("in %s ends the partition too", (entryPoint) => {
    machine.setVmcs({ GUEST_RFLAGS: 0x202n });
    machine.answer(entryPoint, monitorFaults);
    const exits: Record<string, () => number> = {
      timer: () => machine.exit("VMX_PREEMPTION_TIMER"),
      memoryAccess: () => machine.exit("EPT_VIOLATION", { GUEST_PHYSICAL_ADDRESS: 0xfee0_0020n }),
      msrRead: () => {
        machine.registers({ rcx: 0x802n });
        return machine.exit("RDMSR");
      },
      acknowledge: () => {
        machine.pend({ vector: 0x30 });
        return machine.exit("INIT_SIGNAL");
      },
    };
    expect(() => exits[entryPoint]!()).toThrow(Stopped);
    expect(text()).toContain("partition guest0 stopped: its monitor faulted");
    expect(machine.lines.filter((line) => line.includes("audit: "))).toEqual(["[bulkhead] audit: guest0 core 0 RIP 0x0000000000001000: its monitor faulted"]);
  });
});

describe("an image that cannot be loaded", () => {
  test.each([
    [LoadStatus.ImageMissing, "no kernel image"], [LoadStatus.ImageMalformed, "kernel image malformed"],
    [LoadStatus.ImageTooLarge, "does not fit the partition's memory"], [LoadStatus.CommandLineTooLong, "command line longer"],
    [LoadStatus.SegmentsOverlap, "two segments of the kernel image overlap"], [LoadStatus.EntryOutside, "entry point outside the kernel image"],
    [LoadStatus.HeaderMissing, "kernel image has no multiboot header"], [LoadStatus.ModulesMalformed, "modules malformed"],
  ])("status %i is told in words and the partition never runs", async (status, words) => {
    const stopped = new KernelMachine(await compileKernel(), { prepare: (made) => made.monitor.answers.set("start", () => status) });
    expect(stopped.boot()).toBe("halt");
    expect(stopped.lines.join("\n")).toContain(`partition guest0: ${words}`.replace("partition guest0: does", "does"));
    expect(stopped.lines.join("\n")).toContain("partition guest0 stopped: its image could not be loaded");
    expect(stopped.bootCalls).not.toContain("enterGuest");
  });

  test.each([
    [LoadStatus.FlagUnsupported, 11, "multiboot header requires a feature that is not supported: flag 11"],
    [LoadStatus.TagUnsupported, 119, "multiboot2 header has a required tag that is not supported: 119"],
    [LoadStatus.RequestUnsupported, 8, "multiboot2 header requires information that is not given: tag 8"],
  ])("status %i names what it is about", async (status, detail, words) => {
    const answer = (made: KernelMachine): number => {
      made.monitor.mailbox.setUint32(Mailbox.LoadDetail, detail, true);
      return status;
    };
    const stopped = new KernelMachine(await compileKernel(), { prepare: (made) => made.monitor.answers.set("start", () => answer(made)) });
    expect(stopped.boot()).toBe("halt");
    expect(stopped.lines).toContain(`[bulkhead] partition guest0: ${words}`);
  });

  test("a monitor that faults while it loads ends the partition", async () => {
    const stopped = new KernelMachine(await compileKernel(), { prepare: (made) => made.monitor.answers.set("start", monitorFaults) });
    expect(stopped.boot()).toBe("halt");
    expect(stopped.lines.join("\n")).toContain("partition guest0 stopped: its monitor faulted");
  });
});

test("when no partition runs any more the machine is powered off if the policy says so", async () => {
  const letters = (): string => machine.ports.writes.filter(({ port }) => port === 0x8900).map(({ value }) => String.fromCharCode(value)).join("");
  expect(() => machine.exit("TRIPLE_FAULT")).toThrow(Stopped);
  expect(letters()).toBe("");
  machine = await startedKernel({ whenDone: "power-off" });
  expect(() => machine.exit("TRIPLE_FAULT")).toThrow(Stopped);
  expect(letters()).toBe("Shutdown");
});

test("a partition restarts into the mode that its monitor asks for then", async () => {
  await start({ health: { fault: "restart" } });
  machine.entry = { mode: EntryMode.Long64, rip: 0x20_0200n, cr3: 0x4000n, gdt: 0x6000n };
  machine.exit("TRIPLE_FAULT");
  expect(machine.vmcs("VM_ENTRY_CONTROLS") & (1n << 9n)).toBe(1n << 9n);
  machine.entry = { mode: EntryMode.Flat32, rip: 0x10_0000n, rax: 0x2bad_b002n, rbx: 0x9000n };
  machine.exit("TRIPLE_FAULT");
  expect(machine.vmcs("VM_ENTRY_CONTROLS") & (1n << 9n)).toBe(0n);
  expect([machine.register("rax"), machine.register("rbx")]).toEqual([0x2bad_b002n, 0x9000n]);
});

test.each([
  [0x7c00n, 0n, 0n, 0x7c00n],
  [0xffffn, 0n, 0n, 0xffffn],
  [0x1_0000n, 0x1000n, 0x1_0000n, 0n],
  [0x8_1234n, 0x8123n, 0x8_1230n, 4n],
])("a start in real mode at %d has CS %d based at %d and IP %d, the other segments at 0", async (rip, selector, base, ip) => {
  await start({ health: { fault: "restart" } });
  machine.entry = { mode: EntryMode.Real, rip };
  machine.exit("TRIPLE_FAULT");
  const fields = ["GUEST_CS_SELECTOR", "GUEST_CS_BASE", "GUEST_CS_LIMIT", "GUEST_RIP", "GUEST_CS_ACCESS_RIGHTS", "GUEST_IDTR_BASE", "GUEST_IDTR_LIMIT"];
  expect(fields.map((name) => machine.vmcs(name))).toEqual([selector, base, 0xffffn, ip, 0x9bn, 0n, 0x3ffn]);
  for (const segment of ["ES", "SS", "DS", "FS", "GS"]) {
    const parts = ["SELECTOR", "BASE", "LIMIT", "ACCESS_RIGHTS"].map((part) => machine.vmcs(`GUEST_${segment}_${part}`));
    expect(parts).toEqual([0n, 0n, 0xffffn, 0x93n]);
  }
  expect(machine.vmcs("GUEST_CR0") & 0x8000_0001n).toBe(0n);
  expect(machine.vmcs("GUEST_IA32_EFER")).toBe(0n);
  expect(machine.vmcs("VM_ENTRY_CONTROLS") & (1n << 9n)).toBe(0n);
});
