// #DB and #AC exit and go back to the guest; in between the machine's own interrupts are taken.

import { beforeEach, describe, expect, test } from "vitest";
import { enumReader } from "../machine/source-enums.ts";
import { KernelMachine, startedKernel } from "./kernel-machine.ts";

const fixed = enumReader("kernel/memory/layout.ts", "Fixed");
const DEBUG = 0x8000_0301n;
const INT1 = 0x8000_0501n;
const ALIGNMENT = 0x8000_0b11n;
const NMI_UNBLOCKING = 1n << 12n;
const STI_SHADOW = 1n;
const NMI_BLOCKED = 8n;
const DR6_RESET = 0xffff_0ff0n;
const DR7_GD = 1n << 13n;
const RF = 1n << 16n;

let machine: KernelMachine;
beforeEach(async () => {
  machine = await startedKernel();
  machine.processor.debugRegisters.set(6, DR6_RESET);
  machine.setVmcs({ GUEST_RIP: 0x1000n, GUEST_RFLAGS: 0x2n, GUEST_INTERRUPTIBILITY: 0n, GUEST_DR7: 0x400n });
}, 240_000);

function exception(information: bigint, fields: Record<string, bigint> = {}): void {
  machine.exit("EXCEPTION_OR_NMI", { VM_EXIT_INTERRUPTION_INFORMATION: information, EXIT_QUALIFICATION: 0n, ...fields });
}

const dr6 = (): bigint => machine.processor.debugRegisters.get(6) ?? 0n;
const injected = (): bigint => machine.vmcs("VM_ENTRY_INTERRUPTION_INFORMATION");

test("#AC goes back with its error code, even over an event in delivery", () => {
  exception(ALIGNMENT, { IDT_VECTORING_INFORMATION: 0x8000_0b11n, VM_EXIT_INTERRUPTION_ERROR_CODE: 1n });
  expect([injected(), machine.vmcs("VM_ENTRY_EXCEPTION_ERROR_CODE"), machine.vmcs("GUEST_RIP")]).toEqual([ALIGNMENT, 1n, 0x1000n]);
});

test("the flags are as the exit saved them", () => {
  exception(DEBUG, { EXIT_QUALIFICATION: 1n });
  expect(machine.vmcs("GUEST_RFLAGS") & RF).toBe(0n);
});

describe("DR6 and DR7 are as the processor leaves them when it delivers #DB", () => {
  test.each([[1n, 1n], [0xfn, 0xfn], [1n << 13n, 1n << 13n], [1n << 14n, 1n << 14n], [0x4002n, 0x4002n], [1n << 12n, 0n]])("qualification %s", (qualification, causes) => {
    exception(DEBUG, { EXIT_QUALIFICATION: qualification });
    expect([injected(), dr6()]).toEqual([DEBUG, DR6_RESET | causes]);
  });

  test("earlier breakpoints go, BD and BS stay", () => {
    machine.processor.debugRegisters.set(6, DR6_RESET | 0x6003n);
    exception(DEBUG, { EXIT_QUALIFICATION: 4n });
    expect(dr6()).toBe(DR6_RESET | 0x6004n);
  });

  test("DR7.GD and DEBUGCTL.BTF are cleared, and nothing is pending any more", () => {
    machine.setVmcs({ GUEST_DR7: 0x400n | DR7_GD, GUEST_PENDING_DEBUG_EXCEPTIONS: 1n << 14n, GUEST_IA32_DEBUGCTL: 2n });
    exception(DEBUG, { EXIT_QUALIFICATION: 1n << 13n });
    expect(["GUEST_DR7", "GUEST_PENDING_DEBUG_EXCEPTIONS", "GUEST_IA32_DEBUGCTL"].map((field) => machine.vmcs(field))).toEqual([0x400n, 0n, 0n]);
  });
});

test("INT1 traps behind itself and leaves DR6 and DR7 alone", () => {
  machine.setVmcs({ GUEST_DR7: 0x400n | DR7_GD });
  exception(INT1, { VM_EXIT_INSTRUCTION_LENGTH: 1n });
  expect([injected(), machine.vmcs("GUEST_RIP"), dr6(), machine.vmcs("GUEST_DR7")]).toEqual([DEBUG, 0x1001n, DR6_RESET, 0x400n | DR7_GD]);
});

describe("what blocks events", () => {
  test("a shadow ends with the delivery", () => {
    machine.setVmcs({ GUEST_INTERRUPTIBILITY: STI_SHADOW | NMI_BLOCKED });
    exception(DEBUG);
    expect(machine.vmcs("GUEST_INTERRUPTIBILITY")).toBe(NMI_BLOCKED);
  });

  test("an IRET that faulted had unblocked NMIs too early", () => {
    exception(ALIGNMENT | NMI_UNBLOCKING);
    expect([injected(), machine.vmcs("GUEST_INTERRUPTIBILITY")]).toEqual([ALIGNMENT, NMI_BLOCKED]);
  });

  test("in a delivery that bit means nothing", () => {
    exception(ALIGNMENT | NMI_UNBLOCKING, { IDT_VECTORING_INFORMATION: 0x8000_0030n });
    expect(machine.vmcs("GUEST_INTERRUPTIBILITY")).toBe(0n);
  });
});

test("an interrupt of the machine that waits is taken before the guest goes on", () => {
  const before = machine.localApic.endsOfInterrupt;
  machine.onIdle = () => machine.view.setBigUint64(fixed("PendingVectors") + 24, 1n << 48n, true); // HostVector.Mailbox
  exception(ALIGNMENT);
  expect(machine.bootCalls.at(-1)).toBe("admitInterrupts");
  expect(machine.localApic.endsOfInterrupt).toBe(before + 1);
  expect(injected()).toBe(ALIGNMENT);
});
