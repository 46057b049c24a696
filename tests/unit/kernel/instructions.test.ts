// Exits for instructions that have little to do with each other: HLT, XSETBV, VMX, cache control, performance counters.

import { beforeEach, describe, expect, test } from "vitest";
import { Stopped } from "../machine/machine.ts";
import { startedWithDevices } from "./assignment-machine.ts";
import { readProfile } from "./capabilities.ts";
import { KernelMachine, NO_DEADLINE, startedKernel } from "./kernel-machine.ts";

const GENERAL_PROTECTION = { vector: 13, type: 3, errorCode: 0n };
const INVALID_OPCODE = { vector: 6, type: 3 };
const IF = 0x202n;
const HLT_STATE = 1n;

let machine: KernelMachine;
beforeEach(async () => {
  machine = await startedKernel();
  machine.setVmcs({ GUEST_RIP: 0x1000n });
}, 240_000);

describe("HLT", () => {
  test("with interrupts on: the vCPU sleeps after the instruction, out of the shadow of STI", () => {
    machine.setVmcs({ GUEST_RFLAGS: IF, GUEST_INTERRUPTIBILITY: 1n });
    expect(machine.exit("HLT", { VM_EXIT_INSTRUCTION_LENGTH: 1n })).toBe(0);
    expect(machine.vmcs("GUEST_ACTIVITY_STATE")).toBe(HLT_STATE);
    expect(machine.vmcs("GUEST_RIP")).toBe(0x1001n);
    expect(machine.vmcs("GUEST_INTERRUPTIBILITY")).toBe(0n);
  });

  test("an interrupt that waits already is delivered at once", () => {
    machine.setVmcs({ GUEST_RFLAGS: IF });
    machine.answer("acknowledge", () => 0x31);
    machine.pend({ vector: 0x31 });
    machine.exit("HLT");
    expect(machine.event).toEqual({ vector: 0x31, type: 0 });
    expect(machine.vmcs("GUEST_ACTIVITY_STATE")).toBe(0n);
  });

  test("the deadline wakes the vCPU", () => {
    machine.setVmcs({ GUEST_RFLAGS: IF });
    machine.exit("HLT");
    machine.answer("timer", () => void machine.pend({ vector: 0x40, deadline: NO_DEADLINE }));
    machine.answer("acknowledge", () => 0x40);
    machine.exit("VMX_PREEMPTION_TIMER");
    expect(machine.event).toEqual({ vector: 0x40, type: 0 });
    expect(machine.vmcs("GUEST_ACTIVITY_STATE")).toBe(0n);
  });

  test("with interrupts off: nothing could wake the partition, which ends", () => {
    machine.setVmcs({ GUEST_RFLAGS: 2n });
    expect(() => machine.exit("HLT")).toThrow(Stopped);
    expect(machine.lines.join("\n")).toContain("partition guest0 stopped: halted with interrupts off");
  });

  test("with interrupts off and an NMI that waits: it goes on", () => {
    machine.setVmcs({ GUEST_RFLAGS: 2n });
    machine.pend({ nmi: 1 });
    expect(machine.exit("HLT")).toBe(0);
    expect(machine.event).toEqual({ vector: 2, type: 2 });
    expect(machine.vmcs("GUEST_ACTIVITY_STATE")).toBe(0n);
  });

  test("on a processor without the HLT activity state the vCPU stays awake", async () => {
    const profile = readProfile();
    profile.msrs.set("IA32_VMX_MISC", profile.msrs.get("IA32_VMX_MISC")! & ~(1n << 6n));
    machine = await startedKernel({ profile });
    machine.setVmcs({ GUEST_RFLAGS: IF });
    expect(machine.exit("HLT")).toBe(0);
    expect(machine.vmcs("GUEST_ACTIVITY_STATE")).toBe(0n);
  });
});

describe("XSETBV", () => {
  function xsetbv(value: bigint, register = 0n): void {
    machine.registers({ rcx: register, rax: value & 0xffff_ffffn, rdx: value >> 32n });
    machine.exit("XSETBV", { VM_EXIT_INSTRUCTION_LENGTH: 3n });
  }

  test.each([0x1n, 0x3n, 0x7n, 0xe7n])("XCR0 = 0x%x", (value) => {
    xsetbv(value);
    expect(machine.processor.xcr0).toBe(value);
    expect(machine.vmcs("GUEST_RIP")).toBe(0x1003n);
    expect(machine.event).toBeUndefined();
  });

  test.each([
    ["without x87", 0x6n], ["AVX without SSE", 0x5n], ["a part of AVX-512", 0x27n], ["AVX-512 without AVX", 0xe3n],
    ["PKRU, which is withheld", 0x203n], ["a bit above 31", 0x1_0000_0003n], ["0", 0n],
  ])("%s is #GP", (_name, value) => {
    xsetbv(value);
    expect(machine.processor.xcr0).toBe(1n);
    expect(machine.event).toEqual(GENERAL_PROTECTION);
    expect(machine.vmcs("GUEST_RIP")).toBe(0x1000n);
  });

  test("another register than XCR0 is #GP", () => {
    xsetbv(3n, 1n);
    expect(machine.event).toEqual(GENERAL_PROTECTION);
    expect(machine.processor.xcr0).toBe(1n);
  });
});

describe("VMX instructions", () => {
  test.each([
    "GETSEC", "VMCLEAR", "VMLAUNCH", "VMPTRLD", "VMPTRST", "VMREAD", "VMRESUME", "VMWRITE", "VMXOFF", "VMXON", "INVEPT", "INVVPID",
  ])("%s is #UD and one audit line", (name) => {
    const calls = machine.processor.vmxCalls.length;
    machine.exit(name);
    machine.exit(name);
    expect(machine.event).toEqual(INVALID_OPCODE);
    expect(machine.vmcs("GUEST_RIP")).toBe(0x1000n);
    expect(machine.lines.filter((line) => line.endsWith(`executed ${name}`))).toEqual([`[bulkhead] audit: guest0 core 0 RIP 0x0000000000001000: executed ${name}`]);
    expect(machine.processor.vmxCalls.length).toBe(calls);
  });

  test("each of them has a line of its own", () => {
    const names = ["VMCLEAR", "VMLAUNCH", "VMPTRLD", "VMPTRST", "VMREAD", "VMRESUME", "VMWRITE", "VMXOFF", "VMXON", "INVEPT", "INVVPID"];
    for (const name of names) machine.exit(name);
    expect(names.filter((name) => !machine.lines.some((line) => line.endsWith(`executed ${name}`)))).toEqual([]);
  });
});

describe("others", () => {
  test.each(["INVD", "WBINVD"])("%s does nothing: no device reads behind the caches", (name) => {
    const before = machine.processor.cacheFlushes;
    expect(machine.exit(name)).toBe(0);
    expect(machine.event).toBeUndefined();
    expect(machine.vmcs("GUEST_RIP")).toBe(0x1002n);
    expect(machine.processor.cacheFlushes).toBe(before);
  });

  test.each(["INVD", "WBINVD"])("%s of the owner of a device writes the caches back, which loses nobody's data", async (name) => {
    const owner = await startedWithDevices({ partitions: [{ pci: [{ device: "00:04.0" }] }] });
    owner.setVmcs({ GUEST_RIP: 0x1000n });
    const before = owner.processor.cacheFlushes;
    owner.exit(name);
    expect(owner.processor.cacheFlushes).toBe(before + 1);
    expect(owner.vmcs("GUEST_RIP")).toBe(0x1002n);
  });

  test.each([["MONITOR", INVALID_OPCODE], ["MWAIT", INVALID_OPCODE], ["RDPMC", GENERAL_PROTECTION]])("%s, which CPUID does not show, is a fault", (name, event) => {
    machine.exit(name);
    expect(machine.event).toEqual(event);
    expect(machine.vmcs("GUEST_RIP")).toBe(0x1000n);
  });

  test("an INIT signal changes nothing", () => {
    expect(machine.exit("INIT_SIGNAL")).toBe(0);
    expect(machine.event).toBeUndefined();
    expect(machine.vmcs("GUEST_RIP")).toBe(0x1000n);
  });
});
