// RDMSR and WRMSR exits: the virtual local APIC, constants, and what the partition may not touch.

import { beforeEach, describe, expect, test } from "vitest";
import { AccessStatus, Mailbox, VcpuMailbox } from "../../../monitor/interface.ts";
import { Stopped } from "../machine/machine.ts";
import type { HealthActionName } from "../../../scripts/policy/schema.ts";
import { KernelMachine, startedKernel, startedWithMonitor } from "./kernel-machine.ts";
import type { KernelOptions } from "./kernel-options.ts";

const GENERAL_PROTECTION = { vector: 13, type: 3, errorCode: 0n };
const SECRET = 0xc0den;
const ALL_ONES = { rax: 0xffff_ffffn, rdx: 0xffff_ffffn };

let machine: KernelMachine;
beforeEach(async () => {
  machine = await startedKernel();
  machine.setVmcs({ GUEST_RIP: 0x1000n });
}, 240_000);

async function withHealth(msr: HealthActionName, restartLimit = 3): Promise<void> {
  machine = await startedKernel({ partitions: [{ health: { msr, restartLimit } }] });
  machine.setVmcs({ GUEST_RIP: 0x1000n });
}

function read(index: bigint): { rax: bigint; rdx: bigint } {
  machine.registers({ rcx: 0xabcd_0000_0000_0000n | index, rax: 0x1111_2222_3333_4444n, rdx: 0x5555_6666_7777_8888n });
  machine.exit("RDMSR");
  return { rax: machine.register("rax"), rdx: machine.register("rdx") };
}

function write(index: bigint, value: bigint): void {
  machine.registers({ rcx: index, rax: 0x9999_0000_0000_0000n | (value & 0xffff_ffffn), rdx: 0x9999_0000_0000_0000n | (value >> 32n) });
  machine.exit("WRMSR");
}

/** Whether the guest goes on after the instruction, with no event. */
function expectDone(): void {
  expect(machine.event).toBeUndefined();
  expect(machine.vmcs("GUEST_RIP")).toBe(0x1002n);
}

function expectFault(): void {
  expect(machine.event).toEqual(GENERAL_PROTECTION);
  expect(machine.vmcs("GUEST_RIP")).toBe(0x1000n);
}

const audited = (): string[] => machine.lines.filter((line) => line.includes("audit: "));

/** With the monitor, which has all MSRs that do not reach the processor. */
async function startWithMonitor(options: KernelOptions = {}): Promise<void> {
  machine = await startedWithMonitor(options);
  machine.setVmcs({ GUEST_RIP: 0x1000n });
}

describe("constants", () => {
  beforeEach(() => startWithMonitor(), 240_000);

  test.each([
    ["IA32_MISC_ENABLE: no BTS, no PEBS", 0x1a0n, 0x1800n],
    ["IA32_FEATURE_CONTROL: locked, no VMX", 0x3an, 1n],
    ["IA32_BIOS_SIGN_ID: a revision in the upper half", 0x8bn, 0xffff_ffff_0000_0000n],
    ["IA32_PLATFORM_ID", 0x17n, 0n],
    ["MSR_PLATFORM_INFO", 0xcen, 0n],
    ["MSR_MISC_FEATURES_ENABLES", 0x140n, 0n],
    ["IA32_DEBUGCTL", 0x1d9n, 0n],
    ["IA32_P5_MC_ADDR: no machine check", 0n, 0n],
    ["IA32_P5_MC_TYPE", 1n, 0n],
    ["IA32_MCG_CAP: no banks", 0x179n, 0n],
    ["IA32_MCG_STATUS", 0x17an, 0n],
    ["IA32_TSC_ADJUST", 0x3bn, 0n],
  ])("%s", (_name, index, value) => {
    expect(read(index)).toEqual({ rax: value & 0xffff_ffffn, rdx: value >> 32n });
    expectDone();
    expect(audited()).toEqual([]);
  });

  test.each([
    ["IA32_MCG_STATUS", 0x17an, 0n, 4n],
    ["IA32_BIOS_SIGN_ID", 0x8bn, 0n, 1n],
    ["MSR_MISC_FEATURES_ENABLES", 0x140n, 0n, 1n],
    ["IA32_DEBUGCTL", 0x1d9n, 0n, 1n << 32n],
  ])("%s takes only the value it has", (_name, index, good, bad) => {
    write(index, good);
    expectDone();
    machine.setVmcs({ GUEST_RIP: 0x1000n });
    write(index, bad);
    expectFault();
  });
});

test.each([["IA32_MCG_CAP", 0x179n], ["IA32_PLATFORM_ID", 0x17n], ["MSR_PLATFORM_INFO", 0xcen]])("%s is read-only: #GP without a violation", async (_name, index) => {
  await startWithMonitor();
  write(index, 0n);
  expectFault();
  expect(audited()).toEqual([]);
});

describe("IA32_MISC_ENABLE", () => {
  beforeEach(() => startWithMonitor(), 240_000);

  test("keeps the bits that the manual defines, and its read-only ones whatever is written", () => {
    write(0x1a0n, 0x4_00c5_0089n);
    expectDone();
    expect(read(0x1a0n)).toEqual({ rax: 0xc5_1889n, rdx: 4n });
  });

  test.each([1, 2, 4, 8, 13, 17, 19, 24, 33, 35, 63])("bit %i is reserved: #GP, and nothing changes", (bit) => {
    write(0x1a0n, 1n << BigInt(bit));
    expectFault();
    expect(read(0x1a0n)).toEqual({ rax: 0x1800n, rdx: 0n });
  });
});

describe("IA32_DEBUGCTL", () => {
  test("takes BTF, which entry and exit switch", () => {
    write(0x1d9n, 2n);
    expectDone();
    expect(machine.vmcs("GUEST_IA32_DEBUGCTL")).toBe(2n);
    expect(read(0x1d9n)).toEqual({ rax: 2n, rdx: 0n });
  });

  test.each([["LBR", 0], ["TR", 6], ["BTS", 7], ["FREEZE_WHILE_SMM", 14]])("%s is not offered: #GP", (_name, bit) => {
    write(0x1d9n, 1n << BigInt(bit));
    expectFault();
    expect(machine.vmcs("GUEST_IA32_DEBUGCTL")).toBe(0n);
  });
});

test("IA32_MISC_ENABLE shows the fast strings of the processor", async () => {
  await startWithMonitor({ prepare: (made) => made.processor.msrs.set(0x1a0, 0x85_0089n) });
  expect(read(0x1a0n)).toEqual({ rax: 0x1801n, rdx: 0n });
});

describe("virtual local APIC", () => {
  test("x2APIC registers and the TSC deadline are read from the monitor", () => {
    machine.answer("msrRead", () => 0x1234_5678_9abc_def0n);
    for (const index of [0x800n, 0x80bn, 0x8ffn, 0x6e0n]) {
      machine.setVmcs({ GUEST_RIP: 0x1000n });
      expect(read(index)).toEqual({ rax: 0x9abc_def0n, rdx: 0x1234_5678n });
      expectDone();
      expect(machine.monitorCalls("msrRead").at(-1)).toEqual([0, Number(index)]);
    }
  });

  test("IA32_APIC_BASE is the monitor's", () => {
    machine.answer("msrRead", () => 0xfee0_0d00n);
    machine.monitor.mailbox.setBigUint64(Mailbox.Vcpus + VcpuMailbox.ApicBase, 0xfee0_0d00n, true);
    expect(read(0x1bn)).toEqual({ rax: 0xfee0_0d00n, rdx: 0n });
    expectDone();
  });

  test("writes carry EDX:EAX to the monitor", () => {
    machine.answer("msrWrite", () => undefined);
    for (const index of [0x1bn, 0x830n, 0x6e0n]) {
      machine.setVmcs({ GUEST_RIP: 0x1000n });
      write(index, 0x1_0000_40fdn);
      expectDone();
      expect(machine.monitorCalls("msrWrite").at(-1)).toEqual([0, Number(index), 0x1_0000_40fdn]);
    }
  });

  test("a register that the monitor refuses is #GP and no violation", () => {
    machine.answer("msrRead", () => 0n, AccessStatus.GeneralProtection);
    machine.answer("msrWrite", () => undefined, AccessStatus.GeneralProtection);
    read(0x80fn);
    expectFault();
    write(0x802n, 1n);
    expectFault();
    expect(audited()).toEqual([]);
  });

  test("without a local APIC in the policy its MSRs are violations", async () => {
    await startWithMonitor({ partitions: [{ devices: ["uart"] }] });
    for (const index of [0x1bn, 0x6e0n, 0x808n]) read(index);
    expectFault();
    expect(audited()).toHaveLength(3);
  });
});

describe("what the policy does not grant", () => {
  test("never reaches the machine's MSR", () => {
    machine.processor.msrs.set(Number(SECRET), 0x4242n);
    const before = machine.processor.msrWrites.length;
    expect(read(SECRET)).toEqual({ rax: 0x1111_2222_3333_4444n, rdx: 0x5555_6666_7777_8888n });
    write(SECRET, 7n);
    expect(machine.processor.msrWrites.length).toBe(before);
    expect(machine.processor.msrs.get(Number(SECRET))).toBe(0x4242n);
  });

  test("inject-fault, the default: #GP(0) at the instruction, and one audit line", () => {
    read(SECRET);
    expectFault();
    read(SECRET);
    write(SECRET, 1n);
    expectFault();
    expect(audited()).toEqual([
      "[bulkhead] audit: guest0 core 0 RIP 0x0000000000001000: read MSR 0x0000c0de",
      "[bulkhead] audit: guest0 core 0 RIP 0x0000000000001000: wrote MSR 0x0000c0de",
    ]);
  });

  test("ignore: reads give all ones, writes vanish", async () => {
    await withHealth("ignore");
    expect(read(SECRET)).toEqual(ALL_ONES);
    expectDone();
    machine.setVmcs({ GUEST_RIP: 0x1000n });
    write(SECRET, 1n);
    expectDone();
    expect(audited()).toHaveLength(2);
  });

  test("restart: the partition is launched anew from its entry point", async () => {
    await withHealth("restart");
    machine.registers({ rcx: SECRET, rdi: 5n });
    expect(machine.exit("RDMSR")).toBe(1);
    expect(machine.vmcs("GUEST_RIP")).toBe(0x10_0000n);
    expect(machine.register("rdi")).toBe(0n);
    expect(machine.event).toBeUndefined();
    expect(machine.lines.join("\n")).toContain("partition guest0: stopped after a violation");
    expect(machine.lines.join("\n")).toContain("partition guest0 restarts");
  });

  test("stop: the partition ends, and its violations are in the summary", async () => {
    await withHealth("stop");
    expect(() => write(SECRET, 1n)).toThrow(Stopped);
    expect(machine.lines.join("\n")).toContain("partition guest0 stopped: stopped after a violation");
    expect(machine.lines.join("\n")).toMatch(/summary: guest0: core 0, 4 MiB, stopped after a violation, restarts 0, violations 1/);
  });
});

test("different violations beyond the 64 that are remembered are counted only", () => {
  for (let index = 0n; index < 80n; index++) read(0x4000n + index);
  expect(audited()).toHaveLength(64);
  expect(audited().at(-1)).toContain("further ones are only counted");
});
