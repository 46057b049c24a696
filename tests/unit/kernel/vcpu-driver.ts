// Short hands for unit tests that act as the guest: MSR accesses of a started kernel, and what came of them.

import { expect } from "vitest";
import type { KernelMachine } from "./kernel-machine.ts";

/** Where the instruction that exits stands; it is two bytes long. */
export const RIP = 0x1000n;
export const GENERAL_PROTECTION = { vector: 13, type: 3, errorCode: 0n };

/** EDX:EAX of RDMSR. */
export function readMsr(machine: KernelMachine, index: bigint): bigint {
  machine.setVmcs({ GUEST_RIP: RIP });
  machine.registers({ rcx: index, rax: 0n, rdx: 0n });
  machine.exit("RDMSR");
  expectDone(machine);
  return (machine.register("rdx") << 32n) | machine.register("rax");
}

export function writeMsr(machine: KernelMachine, index: bigint, value: bigint): void {
  machine.setVmcs({ GUEST_RIP: RIP });
  machine.registers({ rcx: index, rax: value & 0xffff_ffffn, rdx: value >> 32n });
  machine.exit("WRMSR");
}

/** The guest goes on after the instruction, with no event. */
export function expectDone(machine: KernelMachine): void {
  expect(machine.event).toBeUndefined();
  expect(machine.vmcs("GUEST_RIP")).toBe(RIP + 2n);
}

/** #GP(0) at the instruction. */
export function expectFault(machine: KernelMachine): void {
  expect(machine.event).toEqual(GENERAL_PROTECTION);
  expect(machine.vmcs("GUEST_RIP")).toBe(RIP);
}
