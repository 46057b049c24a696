// CPUID exits: what a partition sees of its processor.

import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { readProfile } from "./capabilities.ts";
import { KernelMachine, startedWithMonitor } from "./kernel-machine.ts";
import { writeMsr } from "./vcpu-driver.ts";

interface Answer { eax: number; ebx: number; ecx: number; edx: number }

let machine: KernelMachine;
beforeAll(async () => {
  machine = await startedWithMonitor();
}, 240_000);

beforeEach(() => {
  machine.setVmcs({ GUEST_RIP: 0x1000n, GUEST_CR4: 0x2000n, GUEST_INTERRUPTIBILITY: 0n });
});

function cpuid(leaf: number, subleaf = 0, on: KernelMachine = machine): Answer {
  const garbage = 0xdead_beef_0000_0000n;
  on.registers({ rax: garbage | BigInt(leaf), rbx: garbage, rcx: garbage | BigInt(subleaf), rdx: garbage });
  expect(on.exit("CPUID")).toBe(0);
  const [eax, ebx, ecx, edx] = (["rax", "rbx", "rcx", "rdx"] as const).map((name) => on.register(name));
  for (const value of [eax, ebx, ecx, edx]) expect(value! >> 32n).toBe(0n);
  return { eax: Number(eax), ebx: Number(ebx), ecx: Number(ecx), edx: Number(edx) };
}

function setApicBase(base: bigint): void {
  writeMsr(machine, 0x1bn, base);
}

const has = (register: number, bit: number): boolean => ((register >>> bit) & 1) === 1;

test("goes on after the instruction and ends the interrupt shadow", () => {
  machine.setVmcs({ GUEST_INTERRUPTIBILITY: 1n });
  cpuid(0);
  expect(machine.vmcs("GUEST_RIP")).toBe(0x1002n);
  expect(machine.vmcs("GUEST_INTERRUPTIBILITY")).toBe(0n);
  expect(machine.event).toBeUndefined();
});

test("leaf 0x40000000 names Bulkhead", () => {
  const { eax, ebx, ecx, edx } = cpuid(0x4000_0000);
  const name = Buffer.alloc(12);
  [ebx, ecx, edx].forEach((register, i) => name.writeUInt32LE(register, 4 * i));
  expect(name.toString("latin1")).toBe("BulkheadBulk");
  expect(eax).toBe(0x4000_0000);
});

describe("leaf 1", () => {
  test("shows a hypervisor and hides what is not virtualised", () => {
    const { eax, ebx, ecx, edx } = cpuid(1);
    expect(eax).toBe(0x50654);
    expect(ebx).toBe(0x1_0800); // one logical processor, APIC identifier 0, CLFLUSH of 64 bytes
    expect(has(ecx, 31)).toBe(true);
    const hidden = { DTES64: 2, MONITOR: 3, DS_CPL: 4, VMX: 5, SMX: 6, EST: 7, TM2: 8, PDCM: 15, DCA: 18 };
    for (const [name, bit] of Object.entries(hidden)) expect(has(ecx, bit), name).toBe(false);
    for (const [name, bit] of Object.entries({ MCA: 14, DS: 21, ACPI: 22, HTT: 28, TM: 29, PBE: 31 })) expect(has(edx, bit), name).toBe(false);
    expect(has(edx, 7), "MCE, which CR4 takes").toBe(true);
    for (const [name, bit] of Object.entries({ SSE3: 0, CX16: 13, POPCNT: 23, AES: 25, XSAVE: 26, AVX: 28 })) expect(has(ecx, bit), name).toBe(true);
  });

  test("shows the memory type range registers, which are virtual whether or not the processor has them", async () => {
    expect(has(cpuid(1).edx, 12)).toBe(true);
    const profile = readProfile();
    const [eax = 0, ebx = 0, ecx = 0, edx = 0] = profile.cpuid.get("0x1") ?? [];
    profile.cpuid.set("0x1", [eax, ebx, ecx, (edx & ~(1 << 12)) >>> 0]);
    expect(has(cpuid(1, 0, await startedWithMonitor({ profile })).edx, 12)).toBe(true);
  });

  test("mirrors the guest's CR4.OSXSAVE", () => {
    expect(has(cpuid(1).ecx, 27)).toBe(false);
    machine.setVmcs({ GUEST_CR4: 0x4_2000n });
    expect(has(cpuid(1).ecx, 27)).toBe(true);
    machine.setVmcs({ GUEST_CR4: 0x2000n });
    expect(has(cpuid(1).ecx, 27)).toBe(false);
  });

  test("shows the local APIC, x2APIC and TSC deadline as the policy grants them", async () => {
    setApicBase(0xfee0_0900n);
    const { ecx, edx } = cpuid(1);
    expect([has(edx, 9), has(ecx, 21), has(ecx, 24)]).toEqual([true, true, true]);
    const without = cpuid(1, 0, await startedWithMonitor({ partitions: [{ devices: ["uart"] }] }));
    expect([has(without.edx, 9), has(without.ecx, 21), has(without.ecx, 24)]).toEqual([false, false, false]);
  });
});

test("leaf 1 shows no local APIC while the guest has switched it off", () => {
  setApicBase(0xfee0_0100n);
  expect(has(cpuid(1).edx, 9)).toBe(false);
  setApicBase(0xfee0_0900n); // x2APIC mode is entered from xAPIC mode only
  setApicBase(0xfee0_0d00n);
  expect(has(cpuid(1).edx, 9)).toBe(true);
});

describe("highest leaves", () => {
  test("15H and 16H, whose frequencies mislead, lie beyond the highest basic leaf", () => {
    expect(cpuid(0)).toMatchObject({ eax: 0xd, ebx: 0x756e_6547 });
    const highest = cpuid(0xd);
    for (const leaf of [0xe, 0x15, 0x16, 0x7fff_ffff, 0x4000_0001, 0x4000_0100]) expect(cpuid(leaf), leaf.toString(16)).toEqual(highest);
    expect(cpuid(0x16, 1)).toEqual(cpuid(0xd, 1));
  });

  test("beyond the highest extended leaf comes the highest basic one", () => {
    expect(cpuid(0x8000_0000).eax).toBe(0x8000_0008);
    expect(cpuid(0x8000_0009)).toEqual(cpuid(0xd));
    expect(cpuid(0xffff_ffff)).toEqual(cpuid(0xd));
  });
});

describe("features that depend on controls", () => {
  test("INVPCID and RDTSCP are shown only where VMX lets the guest execute them", async () => {
    expect(has(cpuid(7).ebx, 10)).toBe(true);
    expect(has(cpuid(0x8000_0001).edx, 27)).toBe(true);
    const profile = readProfile();
    profile.msrs.set("IA32_VMX_PROCBASED_CTLS2", 0x0217_6ff7_0000_0000n);
    const other = await startedWithMonitor({ profile });
    expect(has(cpuid(7, 0, other).ebx, 10)).toBe(false);
    expect(has(cpuid(0x8000_0001, 0, other).edx, 27)).toBe(false);
  });

  test("ERMS and FSRM are shown only where IA32_MISC_ENABLE has fast strings on", async () => {
    const shown = async (miscEnable: bigint): Promise<[boolean, boolean]> => {
      const profile = readProfile();
      const [eax = 0, ebx = 0, ecx = 0, edx = 0] = profile.cpuid.get("0x7") ?? [];
      profile.cpuid.set("0x7", [eax, ebx | (1 << 9), ecx, edx | (1 << 4)]);
      const other = await startedWithMonitor({ profile, prepare: (made) => made.processor.msrs.set(0x1a0, miscEnable) });
      const leaf = cpuid(7, 0, other);
      return [has(leaf.ebx, 9), has(leaf.edx, 4)];
    };
    expect(await shown(1n)).toEqual([true, true]);
    expect(await shown(0n)).toEqual([false, false]);
  });

  test("leaf 7 shows TSC_ADJUST, which the TSC offset makes, and has no other subleaf", () => {
    const { eax, ebx } = cpuid(7);
    expect(eax).toBe(0);
    expect([has(ebx, 1), has(ebx, 0), has(ebx, 7), has(ebx, 20)]).toEqual([true, true, true, true]);
    expect(cpuid(7, 1)).toEqual({ eax: 0, ebx: 0, ecx: 0, edx: 0 });
  });

  test("XSAVE vanishes with leaf DH", async () => {
    const profile = readProfile();
    profile.cpuid.set("0x0", [7, 0x756e_6547, 0x6c65_746e, 0x4965_6e69]);
    const other = await startedWithMonitor({ profile });
    expect(has(cpuid(1, 0, other).ecx, 26)).toBe(false);
    expect(cpuid(0, 0, other).eax).toBe(7);
  });

  test.each([
    ["nothing", 0n, [false, false, false, false]],
    ["x87 and SSE", 3n, [false, false, false, false]],
    ["AVX", 7n, [true, true, false, false]],
    ["AVX and a part of AVX-512", 0x67n, [true, true, false, false]],
    ["AVX-512", 0xe7n, [true, true, true, true]],
  ])("XCR0 that can enable %s: AVX, VAES, AVX512F and AVX512_VNNI are shown accordingly", async (_name, xcr0, shown) => {
    const profile = readProfile();
    const [eax = 0, ebx = 0, ecx = 0, edx = 0] = profile.cpuid.get("0x7") ?? [];
    profile.cpuid.set("0x7", [eax, (ebx | (1 << 16)) >>> 0, ecx | (1 << 9) | (1 << 11), edx]);
    profile.cpuid.set("0xd", [Number(xcr0), 0x240, 0x240, 0]);
    const other = await startedWithMonitor({ profile });
    const leaf = cpuid(7, 0, other);
    expect([has(cpuid(1, 0, other).ecx, 28), has(leaf.ecx, 9), has(leaf.ebx, 16), has(leaf.ecx, 11)]).toEqual(shown);
  });
});

describe("leaves with a meaning of their own", () => {
  test("MONITOR and performance counters are not there, the APIC timer never stops", () => {
    expect(cpuid(5)).toEqual({ eax: 0, ebx: 0, ecx: 0, edx: 0 });
    expect(cpuid(0xa)).toEqual({ eax: 0, ebx: 0, ecx: 0, edx: 0 });
    expect(cpuid(6)).toEqual({ eax: 4, ebx: 0, ecx: 0, edx: 0 });
  });

  test("caches are the core's own and shared with nobody", () => {
    expect(cpuid(4, 3)).toEqual({ eax: 0x0163, ebx: 0x0280_003f, ecx: 0x2fff, edx: 4 });
    expect(cpuid(4, 4).eax & 0x1f).toBe(0);
  });

  test("topology: one thread on one core", () => {
    expect(cpuid(0xb, 0)).toEqual({ eax: 0, ebx: 1, ecx: 0x100, edx: 0 });
    expect(cpuid(0xb, 1)).toEqual({ eax: 0, ebx: 1, ecx: 0x201, edx: 0 });
    expect(cpuid(0xb, 2)).toEqual({ eax: 0, ebx: 0, ecx: 2, edx: 0 });
  });

  test("extended state: what XCR0 may hold, without supervisor states", async () => {
    const profile = readProfile();
    profile.cpuid.set("0xd", [0x2ff, 0xa88, 0xa88, 0]);
    profile.cpuid.set("0xd.5", [0x40, 0x440, 0, 0]);
    profile.cpuid.set("0xd.6", [0x200, 0x480, 2, 0]);
    profile.cpuid.set("0xd.7", [0x400, 0x680, 0, 0]);
    profile.cpuid.set("0xd.9", [8, 0xa80, 0, 0]);
    const other = await startedWithMonitor({ profile });
    // All that may be enabled takes 0xa80 bytes without PKRU; x87 alone, while CR4.OSXSAVE is clear, the legacy region and header.
    expect(cpuid(0xd, 0, other)).toEqual({ eax: 0xe7, ebx: 0x240, ecx: 0xa80, edx: 0 });
    expect(cpuid(0xd, 1, other)).toEqual({ eax: 7, ebx: 0x240, ecx: 0, edx: 0 });
    other.setVmcs({ GUEST_CR4: 1n << 18n });
    other.processor.xcr0 = 0xe7n;
    expect(cpuid(0xd, 0, other)).toEqual({ eax: 0xe7, ebx: 0xa80, ecx: 0xa80, edx: 0 });
    expect(cpuid(0xd, 1, other)).toEqual({ eax: 7, ebx: 0x980, ecx: 0, edx: 0 }); // compacted: 0x240 + 0x100 + 0x40 + 0x200 + 0x400
    expect(cpuid(0xd, 2, other)).toEqual({ eax: 0x100, ebx: 0x240, ecx: 0, edx: 0 });
    expect(cpuid(0xd, 9, other)).toEqual({ eax: 0, ebx: 0, ecx: 0, edx: 0 }); // PKRU is withheld
    expect(cpuid(0xd, 62, other)).toEqual({ eax: 0, ebx: 0, ecx: 0, edx: 0 });
  });

  test("extended leaves: brand string, invariant TSC, address sizes", () => {
    expect(cpuid(0x8000_0002).eax).toBe(0x6574_6e49);
    expect(cpuid(0x8000_0007)).toEqual({ eax: 0, ebx: 0, ecx: 0, edx: 0x100 });
    expect(cpuid(0x8000_0008)).toEqual({ eax: 0x3028, ebx: 0, ecx: 0, edx: 0 });
  });
});
