// RFLAGS.TF over an instruction that the kernel carries out, and what it does to the events that wait.

import { beforeEach, describe, expect, test } from "vitest";
import { KernelMachine, startedKernel } from "./kernel-machine.ts";

const TF = 1n << 8n;
const IF = 1n << 9n;
const RF = 1n << 16n;
const FLAGS = 2n;
const BS = 1n << 14n;
const BTF = 2n;
const STI_SHADOW = 1n;
const MOV_SS_SHADOW = 2n;
const INTERRUPT_WINDOW = 1n << 2n;
const NMI_WINDOW = 1n << 22n;

let machine: KernelMachine;
beforeEach(async () => {
  machine = await startedKernel();
  machine.setVmcs({ GUEST_RIP: 0x1000n, GUEST_RFLAGS: FLAGS | TF, GUEST_PENDING_DEBUG_EXCEPTIONS: 0n });
}, 240_000);

const pending = (): bigint => machine.vmcs("GUEST_PENDING_DEBUG_EXCEPTIONS");

describe("a single step", () => {
  test.each(["CPUID", "WBINVD", "HLT"])("traps after %s, with BS pending at the entry", (name) => {
    machine.exit(name);
    expect(machine.vmcs("GUEST_RIP")).toBe(0x1002n);
    expect(pending()).toBe(BS);
    expect(machine.event).toBeUndefined();
  });

  test("traps after an instruction that the monitor carried out", () => {
    machine.answer("portString", () => undefined);
    machine.exit("IO_INSTRUCTION", { EXIT_QUALIFICATION: 0x3f8_0010n });
    expect(pending()).toBe(BS);
  });

  test("needs TF", () => {
    machine.setVmcs({ GUEST_RFLAGS: FLAGS });
    machine.exit("CPUID");
    expect(pending()).toBe(0n);
  });

  test("is left to branches by IA32_DEBUGCTL.BTF", () => {
    machine.setVmcs({ GUEST_IA32_DEBUGCTL: BTF });
    machine.exit("CPUID");
    expect(pending()).toBe(0n);
    expect(machine.vmcs("GUEST_RIP")).toBe(0x1002n);
  });

  test.each([STI_SHADOW, MOV_SS_SHADOW])("ends the interrupt shadow over the instruction as well", (shadow) => {
    machine.setVmcs({ GUEST_INTERRUPTIBILITY: shadow });
    machine.exit("CPUID");
    expect(machine.vmcs("GUEST_INTERRUPTIBILITY")).toBe(0n);
    expect(pending()).toBe(BS);
  });

  test("leaves the blocking of NMIs alone", () => {
    machine.setVmcs({ GUEST_INTERRUPTIBILITY: 8n });
    machine.exit("CPUID");
    expect(machine.vmcs("GUEST_INTERRUPTIBILITY")).toBe(8n);
  });

  test("leaves DR7.GD to the processor", () => {
    machine.setVmcs({ GUEST_DR7: 0x2400n });
    machine.exit("CPUID");
    expect(machine.vmcs("GUEST_DR7")).toBe(0x2400n);
  });

  test("does not trap after an instruction that faulted", () => {
    machine.exit("VMXON");
    expect(machine.event?.vector).toBe(6);
    expect(pending()).toBe(0n);
  });

  test("wakes a vCPU that halts, even with interrupts off", () => {
    machine.exit("HLT");
    expect(machine.vmcs("GUEST_ACTIVITY_STATE")).toBe(0n);
    expect(machine.lines.join("\n")).not.toContain("halted");
  });
});

describe("what waits behind a debug trap", () => {
  beforeEach(() => machine.setVmcs({ GUEST_RFLAGS: FLAGS | TF | IF }));
  const windows = (): bigint => machine.vmcs("PRIMARY_CONTROLS") & (INTERRUPT_WINDOW | NMI_WINDOW);

  test("an interrupt comes after it", () => {
    machine.answer("acknowledge", () => 0x30);
    machine.pend({ vector: 0x30 });
    machine.exit("CPUID");
    expect(machine.event).toBeUndefined();
    expect(windows()).toBe(INTERRUPT_WINDOW);
    machine.setVmcs({ GUEST_PENDING_DEBUG_EXCEPTIONS: 0n });
    machine.exit("INTERRUPT_WINDOW");
    expect(machine.event).toEqual({ vector: 0x30, type: 0 });
  });

  test("an NMI comes after it", () => {
    machine.answer("acknowledgeNmi", () => undefined);
    machine.pend({ nmi: 1 });
    machine.exit("CPUID");
    expect(machine.event).toBeUndefined();
    expect(windows()).toBe(NMI_WINDOW);
  });

  test("a breakpoint that is not enabled is no trap", () => {
    machine.setVmcs({ GUEST_PENDING_DEBUG_EXCEPTIONS: 0xfn, GUEST_RFLAGS: FLAGS | IF });
    machine.answer("acknowledge", () => 0x30);
    machine.pend({ vector: 0x30 });
    machine.exit("INIT_SIGNAL");
    expect(machine.event).toEqual({ vector: 0x30, type: 0 });
  });
});

describe("RFLAGS.RF in what a fault saves", () => {
  test.each([["VMXON", "#UD"], ["RDPMC", "#GP"]])("%s: %s sets it", (name) => {
    machine.exit(name);
    expect(machine.vmcs("GUEST_RFLAGS")).toBe(FLAGS | TF | RF);
  });

  test("an interrupt does not", () => {
    machine.setVmcs({ GUEST_RFLAGS: FLAGS | IF });
    machine.answer("acknowledge", () => 0x30);
    machine.pend({ vector: 0x30 });
    machine.exit("INIT_SIGNAL");
    expect(machine.event).toEqual({ vector: 0x30, type: 0 });
    expect(machine.vmcs("GUEST_RFLAGS")).toBe(FLAGS | IF);
  });
});
