// Hypercalls: what they answer, and to whom.

import { beforeEach, expect, test } from "vitest";
import { HYPERCALL_VERSION, Hypercall } from "../../../kernel/policy/layout.ts";
import type { HypercallName } from "../../../scripts/policy/schema.ts";
import { Stopped } from "../machine/machine.ts";
import { startedKernel, type KernelMachine } from "./kernel-machine.ts";

const ALL_ONES = 0xffff_ffff_ffff_ffffn;
const RESUME = 0;
const LAUNCH = 1;
/** Access rights of SS. */
const RING_0 = 0xc093n;
const RING_3 = 0xc0f3n;
const ALL: HypercallName[] = ["version", "console-write", "power-off", "reset", "tsc-frequency", "console-read"];

let machine: KernelMachine;

async function start(hypercalls: HypercallName[]): Promise<void> {
  machine = await startedKernel({ partitions: [{ hypercalls, keyboard: true }] });
  machine.setVmcs({ GUEST_RIP: 0x1000n });
}

beforeEach(() => start(ALL), 120_000);

function call(number: bigint | Hypercall, rdi = 0n): bigint {
  machine.registers({ rax: BigInt(number), rdi });
  expect(machine.exit("VMCALL", { VM_EXIT_INSTRUCTION_LENGTH: 3n })).toBe(RESUME);
  return machine.register("rax");
}

const audited = (): string[] => machine.lines.filter((line) => line.includes("audit: "));

test("hypercalls that are granted answer in RAX", () => {
  expect(call(Hypercall.Version)).toBe(BigInt(HYPERCALL_VERSION));
  expect(machine.vmcs("GUEST_RIP")).toBe(0x1003n);
  const hertz = Number(call(Hypercall.TscFrequency));
  expect(Math.abs(hertz - 2e9)).toBeLessThan(1e6);
  expect(audited()).toEqual([]);
});

test("console: up to eight bytes out, one byte in", () => {
  call(Hypercall.ConsoleWrite, 0x6948n); // "Hi"
  call(Hypercall.ConsoleWrite, 0x0an);
  expect(machine.lines.at(-1)).toBe("[guest0] Hi");
  expect(call(Hypercall.ConsoleRead)).toBe(ALL_ONES);
  expect(audited()).toEqual([]);
});

test("power-off stops the partition, reset launches it anew without a limit", () => {
  machine.registers({ rax: BigInt(Hypercall.Reset) });
  for (let reset = 0; reset < 5; reset++) {
    machine.registers({ rax: BigInt(Hypercall.Reset) });
    expect(machine.exit("VMCALL")).toBe(LAUNCH);
    machine.setVmcs({ GUEST_SS_ACCESS_RIGHTS: RING_0 });
  }
  machine.registers({ rax: BigInt(Hypercall.PowerOff) });
  expect(() => machine.exit("VMCALL")).toThrow(Stopped);
  expect(machine.lines.join("\n")).toContain("partition guest0 stopped: powered off");
  expect(machine.lines.join("\n")).toContain("restarts 5");
});

test("hypercalls that are unknown are refused with all ones and audited", () => {
  for (const number of [6n, 31n, 32n, 0x1_0000_0000n, ALL_ONES]) expect(call(number), number.toString(16)).toBe(ALL_ONES);
  expect(machine.vmcs("GUEST_RIP")).toBe(0x100fn);
  expect(audited()[0]).toContain("called hypercall 6");
  expect(audited()).toHaveLength(5);
});

test("hypercalls that the policy does not grant are refused", async () => {
  await start(["version"]);
  expect(call(Hypercall.PowerOff)).toBe(ALL_ONES);
  expect(call(Hypercall.Reset)).toBe(ALL_ONES);
  expect(call(Hypercall.Version)).toBe(BigInt(HYPERCALL_VERSION));
  expect(audited()).toHaveLength(2);
});

test("hypercalls are for the guest's kernel and not for its programs", () => {
  machine.setVmcs({ GUEST_SS_ACCESS_RIGHTS: RING_3 });
  expect(call(Hypercall.PowerOff)).toBe(ALL_ONES);
  expect(audited()).toHaveLength(1);
});
