// What waits for the vCPU and when it gets it: injection rules, windows, interrupted deliveries, and the deadline.

import { beforeEach, describe, expect, test } from "vitest";
import { Mailbox, VcpuMailbox } from "../../../monitor/interface.ts";
import { Stopped } from "../machine/machine.ts";
import { readProfile } from "./capabilities.ts";
import { KernelMachine, NO_DEADLINE, startedKernel } from "./kernel-machine.ts";

const IF = 0x202n;
const STI_SHADOW = 1n;
const MOV_SS_SHADOW = 2n;
const NMI_BLOCKED = 8n;
const INTERRUPT_WINDOW = 1n << 2n;
const NMI_WINDOW = 1n << 22n;

let machine: KernelMachine;
beforeEach(async () => {
  machine = await startedKernel();
  machine.setVmcs({ GUEST_RIP: 0x1000n, GUEST_RFLAGS: IF, GUEST_INTERRUPTIBILITY: 0n });
  machine.answer("acknowledge", () => {
    const vector = machine.monitor.mailbox.getUint32(Mailbox.Vcpus, true);
    machine.pend({ vector: 0 });
    return vector;
  });
  machine.answer("acknowledgeNmi", () => void machine.pend({ nmi: 0 }));
}, 240_000);

/** An exit that changes nothing in the guest. */
const passExit = (): number => machine.exit("INIT_SIGNAL");
const windows = (): bigint => machine.vmcs("PRIMARY_CONTROLS") & (INTERRUPT_WINDOW | NMI_WINDOW);

describe("an interrupt that waits", () => {
  test("nothing waits: no call to the monitor, no event, no window", () => {
    const calls = machine.monitor.calls.length;
    expect(passExit()).toBe(0);
    expect(machine.monitor.calls.length).toBe(calls);
    expect(machine.event).toBeUndefined();
    expect(windows()).toBe(0n);
  });

  test("is acknowledged and injected when the guest can take it", () => {
    machine.pend({ vector: 0xec });
    passExit();
    expect(machine.event).toEqual({ vector: 0xec, type: 0 });
    expect(machine.monitorCalls("acknowledge")).toEqual([[0]]);
    expect(windows()).toBe(0n);
  });

  test.each([
    ["IF is clear", { GUEST_RFLAGS: 2n }],
    ["STI blocks", { GUEST_INTERRUPTIBILITY: STI_SHADOW }],
    ["MOV SS blocks", { GUEST_INTERRUPTIBILITY: MOV_SS_SHADOW }],
  ])("waits for the interrupt window while %s", (_name, state) => {
    machine.setVmcs(state);
    machine.pend({ vector: 0x30 });
    passExit();
    expect(machine.event).toBeUndefined();
    expect(machine.monitorCalls("acknowledge")).toEqual([]);
    expect(windows()).toBe(INTERRUPT_WINDOW);

    machine.setVmcs({ GUEST_RFLAGS: IF, GUEST_INTERRUPTIBILITY: 0n });
    machine.exit("INTERRUPT_WINDOW");
    expect(machine.event).toEqual({ vector: 0x30, type: 0 });
    expect(windows()).toBe(0n);
  });

  test("the shadow of an instruction that the kernel carried out is over", () => {
    machine.setVmcs({ GUEST_INTERRUPTIBILITY: STI_SHADOW });
    machine.pend({ vector: 0x30 });
    machine.exit("CPUID");
    expect(machine.event).toEqual({ vector: 0x30, type: 0 });
  });

  test("waits behind a fault that the same exit raised", () => {
    machine.pend({ vector: 0x30 });
    machine.exit("VMXON");
    expect(machine.event?.vector).toBe(6);
    expect(windows()).toBe(INTERRUPT_WINDOW);
    expect(machine.monitorCalls("acknowledge")).toEqual([]);
  });

  test("that the local APIC takes back at the acknowledge is not injected", () => {
    machine.answer("acknowledge", () => 0);
    machine.pend({ vector: 0x30 });
    passExit();
    expect(machine.event).toBeUndefined();
  });

  test("the window closes when what waited is gone", () => {
    machine.setVmcs({ GUEST_RFLAGS: 2n });
    machine.pend({ vector: 0x30 });
    passExit();
    machine.pend({ vector: 0 });
    machine.setVmcs({ GUEST_RFLAGS: IF });
    machine.exit("INTERRUPT_WINDOW");
    expect(machine.event).toBeUndefined();
    expect(windows()).toBe(0n);
  });
});

describe("an NMI that waits", () => {
  test("is injected whether or not IF is set", () => {
    machine.setVmcs({ GUEST_RFLAGS: 2n });
    machine.pend({ nmi: 1 });
    passExit();
    expect(machine.event).toEqual({ vector: 2, type: 2 });
    expect(machine.monitorCalls("acknowledgeNmi")).toEqual([[0]]);
  });

  test.each([["an NMI is in service", NMI_BLOCKED], ["MOV SS blocks", MOV_SS_SHADOW]])("waits for the NMI window while %s", (_name, state) => {
    machine.setVmcs({ GUEST_INTERRUPTIBILITY: state });
    machine.pend({ nmi: 1 });
    passExit();
    expect(machine.event).toBeUndefined();
    expect(machine.monitorCalls("acknowledgeNmi")).toEqual([]);
    expect(windows()).toBe(NMI_WINDOW);
    machine.setVmcs({ GUEST_INTERRUPTIBILITY: 0n });
    machine.exit("NMI_WINDOW");
    expect(machine.event).toEqual({ vector: 2, type: 2 });
    expect(windows()).toBe(0n);
  });

  test("one behind another waits for its IRET, in the window", () => {
    machine.answer("acknowledgeNmi", () => void machine.pend({ nmi: 1 }));
    machine.pend({ nmi: 2 });
    passExit();
    expect([machine.event, windows()]).toEqual([{ vector: 2, type: 2 }, NMI_WINDOW]);
  });

  test("while one is in service, only one more is kept", () => {
    machine.setVmcs({ GUEST_INTERRUPTIBILITY: NMI_BLOCKED });
    machine.pend({ nmi: 2 });
    passExit();
    expect(machine.monitor.mailbox.getUint32(Mailbox.Vcpus + VcpuMailbox.PendingNmi, true)).toBe(1);
  });

  test("goes before an interrupt, which then waits for its window", () => {
    machine.pend({ nmi: 1, vector: 0x30 });
    passExit();
    expect(machine.event).toEqual({ vector: 2, type: 2 });
    expect(windows()).toBe(INTERRUPT_WINDOW);
  });
});

describe("the machine's own NMI", () => {
  /** An NMI exit in the middle of the delivery of an event. */
  function nmi(fields: Record<string, bigint> = {}): void {
    machine.exit("EXCEPTION_OR_NMI", { VM_EXIT_INTERRUPTION_INFORMATION: 0x8000_0202n, ...fields });
  }

  test("is taken through the host's IDT and not passed on", () => {
    nmi();
    expect(machine.bootCalls.at(-1)).toBe("deliverNmi");
    expect(machine.event).toBeUndefined();
  });

  test.each([
    ["an external interrupt", 0x8000_0030n, undefined],
    ["#UD", 0x8000_0306n, undefined],
    ["#PF with its error code", 0x8000_0b0en, 0x7n],
    ["INT 80h", 0x8000_0480n, undefined],
    ["INT1", 0x8000_0501n, undefined],
    ["INT3", 0x8000_0603n, undefined],
  ])("%s is delivered again", (_name, information, errorCode) => {
    nmi({ IDT_VECTORING_INFORMATION: information | 0x1000n, IDT_VECTORING_ERROR_CODE: errorCode ?? 0n, VM_EXIT_INSTRUCTION_LENGTH: 2n });
    expect(machine.vmcs("VM_ENTRY_INTERRUPTION_INFORMATION")).toBe(information);
    if (errorCode !== undefined) expect(machine.vmcs("VM_ENTRY_EXCEPTION_ERROR_CODE")).toBe(errorCode);
    const isSoftware = ((information >> 8n) & 7n) >= 4n;
    if (isSoftware) expect(machine.vmcs("VM_ENTRY_INSTRUCTION_LENGTH")).toBe(2n);
  });

  test("a virtual NMI is delivered again and no longer blocked", () => {
    machine.setVmcs({ GUEST_INTERRUPTIBILITY: NMI_BLOCKED });
    nmi({ IDT_VECTORING_INFORMATION: 0x8000_0202n });
    expect(machine.event).toEqual({ vector: 2, type: 2 });
    expect(machine.vmcs("GUEST_INTERRUPTIBILITY") & NMI_BLOCKED).toBe(0n);
  });

  test("what is delivered again goes before an interrupt that waits", () => {
    machine.pend({ vector: 0x50 });
    nmi({ IDT_VECTORING_INFORMATION: 0x8000_0030n });
    expect(machine.event).toEqual({ vector: 0x30, type: 0 });
    expect(windows()).toBe(INTERRUPT_WINDOW);
  });

  test("a machine check stops the system", () => {
    expect(() => machine.exit("EXCEPTION_OR_NMI", { VM_EXIT_INTERRUPTION_INFORMATION: 0x8000_0312n })).toThrow(Stopped);
    expect(machine.lines.join("\n")).toContain("fatal 21 on core 0: machine check while a partition ran");
  });
});

describe("interrupts of the machine", () => {
  const external = (vector: number): number => machine.exit("EXTERNAL_INTERRUPT", { VM_EXIT_INTERRUPTION_INFORMATION: BigInt(0x8000_0000 + vector) });

  test("are ended at the local APIC, but for a spurious one", () => {
    const before = machine.localApic.endsOfInterrupt;
    external(0xf0);
    expect(machine.localApic.endsOfInterrupt).toBe(before + 1);
    external(0xff);
    expect(machine.localApic.endsOfInterrupt).toBe(before + 1);
    expect(machine.event).toBeUndefined();
  });

  test("typed bytes reach the UART of the partition that has the keyboard", async () => {
    machine = await startedKernel({ partitions: [{ keyboard: true }] });
    machine.uart.input.push(...Buffer.from("ls\r"));
    external(0x40);
    const { mailbox } = machine.monitor;
    expect(mailbox.getUint32(Mailbox.InputHead, true)).toBe(3);
    expect(Buffer.from(mailbox.buffer, Mailbox.InputRing, 3).toString()).toBe("ls\r");
    expect(machine.monitorCalls("input")).toEqual([[0]]);
  });
});

describe("the deadline", () => {
  const timer = (): bigint => machine.vmcs("VMX_PREEMPTION_TIMER_VALUE");

  test("none: the timer is as far away as it can be", () => {
    passExit();
    expect(timer()).toBe(0xffff_ffffn);
  });

  test("is programmed as what is left of it, and taken away again", () => {
    machine.pend({ deadline: machine.clock.now + 1_000_000n });
    passExit();
    expect(timer()).toBe(1_000_000n - machine.clock.step); // the kernel's look at the TSC takes a step
    machine.pend({ deadline: NO_DEADLINE });
    passExit();
    expect(timer()).toBe(0xffff_ffffn);
  });

  test("that has passed makes the vCPU exit at once", () => {
    machine.pend({ deadline: machine.clock.now - 1n });
    passExit();
    expect(timer()).toBe(0n);
  });

  test("beyond 32 bits: the longest time there is", () => {
    machine.pend({ deadline: machine.clock.now + (1n << 40n) });
    passExit();
    expect(timer()).toBe(0xffff_ffffn);
  });

  test("counts in the processor's units, rounded down", async () => {
    const profile = readProfile();
    profile.msrs.set("IA32_VMX_MISC", profile.msrs.get("IA32_VMX_MISC")! | 5n);
    machine = await startedKernel({ profile });
    machine.pend({ deadline: machine.clock.now + machine.clock.step + 1_000_031n });
    passExit();
    expect(timer()).toBe(1_000_031n >> 5n);
    machine.pend({ deadline: machine.clock.now + (1n << 36n) });
    passExit();
    expect(timer()).toBe(((1n << 36n) - machine.clock.step) >> 5n);
  });

  test("goes to the monitor when it is reached, whose next one counts from then", () => {
    machine.answer("timer", () => void machine.pend({ vector: 0xec, deadline: machine.clock.now + 500_000n }));
    machine.exit("VMX_PREEMPTION_TIMER");
    expect(machine.monitorCalls("timer")).toEqual([[0]]);
    expect(machine.event).toEqual({ vector: 0xec, type: 0 });
    expect(timer()).toBe(500_000n - machine.clock.step);
  });
});
