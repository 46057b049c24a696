// What the kernel does on a processor that lacks something: it names MSR and bit, all at once, and stops.

import { beforeAll, describe, expect, test } from "vitest";
import { enumReader } from "../machine/source-enums.ts";
import { readProfile, type Profile } from "./capabilities.ts";
import { compileKernel, KernelMachine, type KernelModules, startedKernel } from "./kernel-machine.ts";

const reason = enumReader("kernel/boot/fatal.ts", "FatalReason");

let module: KernelModules;
beforeAll(async () => {
  module = await compileKernel();
}, 240_000);

function flip(profile: Profile, msr: string, bit: number): void {
  profile.msrs.set(msr, profile.msrs.get(msr)! ^ (1n << BigInt(bit)));
}

function flipCpuid(profile: Profile, leaf: string, register: number, bit: number): void {
  const values = [...profile.cpuid.get(leaf)!];
  values[register] = (values[register]! ^ (1 << bit)) >>> 0;
  profile.cpuid.set(leaf, values);
}

/** Boots on a processor that differs and returns what the kernel names as missing, such as "IA32_VMX_BASIC bit 55". */
function missing(change: (profile: Profile) => void): string[] {
  const profile = readProfile();
  change(profile);
  const machine = new KernelMachine(module, { profile });
  expect(machine.boot()).toBe("halt");
  expect(machine.lines.some((line) => line.includes(`fatal ${reason("ProcessorUnsuitable")} on core 0`))).toBe(true);
  expect(machine.processor.vmxCalls).toEqual([]);
  return machine.lines.flatMap((line) => /missing: (\S+ bit \d+) \(/.exec(line)?.[1] ?? []);
}

/** Bits that must be allowed to be 1, as numbers in the capability MSR's high half. */
const REQUIRED: [string, number[]][] = [
  ["IA32_VMX_TRUE_PINBASED_CTLS", [0, 3, 5, 6]],
  ["IA32_VMX_TRUE_PROCBASED_CTLS", [2, 7, 10, 11, 19, 20, 22, 25, 28, 29, 31]],
  ["IA32_VMX_PROCBASED_CTLS2", [1, 5, 6, 7]],
  ["IA32_VMX_TRUE_EXIT_CTLS", [2, 9, 15, 18, 19, 20, 21]],
  ["IA32_VMX_TRUE_ENTRY_CTLS", [2, 14, 15]],
];

describe("each requirement is named by MSR and bit", () => {
  test.each(REQUIRED.flatMap(([msr, bits]) => bits.map((bit) => [msr, 32 + bit] as const)))("%s bit %i", (msr, bit) => {
    expect(missing((profile) => flip(profile, msr, bit))).toEqual([`${msr} bit ${bit}`]);
  });

  test.each([6, 14, 20, 32])("IA32_VMX_EPT_VPID_CAP bit %i", (bit) => {
    expect(missing((profile) => flip(profile, "IA32_VMX_EPT_VPID_CAP", bit))).toEqual([`IA32_VMX_EPT_VPID_CAP bit ${bit}`]);
  });

  test.each([15, 16])("exits for moves to and from CR3 that cannot be switched off: IA32_VMX_TRUE_PROCBASED_CTLS bit %i", (bit) => {
    expect(missing((profile) => flip(profile, "IA32_VMX_TRUE_PROCBASED_CTLS", bit))).toEqual([`IA32_VMX_TRUE_PROCBASED_CTLS bit ${bit}`]);
  });

  test("processors without TRUE control MSRs, without VMX, without FSGSBASE", () => {
    expect(missing((profile) => flip(profile, "IA32_VMX_BASIC", 55))).toEqual(["IA32_VMX_BASIC bit 55"]);
    expect(missing((profile) => flipCpuid(profile, "0x1", 2, 5))).toEqual(["CPUID.1:ECX bit 5"]);
    expect(missing((profile) => flipCpuid(profile, "0x7", 1, 0))).toEqual(["CPUID.7:EBX bit 0"]);
  });

  test("MSRs that are absent", () => {
    expect(missing((profile) => profile.msrs.delete("IA32_VMX_EPT_VPID_CAP"))).toEqual(["IA32_VMX_EPT_VPID_CAP bit 0"]);
    expect(missing((profile) => profile.msrs.delete("IA32_VMX_PROCBASED_CTLS2"))).toEqual(["IA32_VMX_PROCBASED_CTLS2 bit 0"]);
  });
});

test("all that is missing is named before the kernel stops", () => {
  const names = missing((profile) => {
    flip(profile, "IA32_VMX_TRUE_PINBASED_CTLS", 38);
    flip(profile, "IA32_VMX_TRUE_EXIT_CTLS", 50);
    flip(profile, "IA32_VMX_TRUE_EXIT_CTLS", 53);
    flip(profile, "IA32_VMX_PROCBASED_CTLS2", 39);
    flip(profile, "IA32_VMX_EPT_VPID_CAP", 6);
    flipCpuid(profile, "0x7", 1, 0);
  });
  expect(names.sort()).toEqual([
    "CPUID.7:EBX bit 0", "IA32_VMX_EPT_VPID_CAP bit 6", "IA32_VMX_PROCBASED_CTLS2 bit 39", "IA32_VMX_TRUE_EXIT_CTLS bit 50",
    "IA32_VMX_TRUE_EXIT_CTLS bit 53", "IA32_VMX_TRUE_PINBASED_CTLS bit 38",
  ]);
});

describe("INVEPT and INVVPID", () => {
  async function types(...bits: number[]): Promise<[bigint, bigint]> {
    const profile = readProfile();
    for (const bit of bits) flip(profile, "IA32_VMX_EPT_VPID_CAP", bit);
    const { vmxCalls } = (await startedKernel({ profile })).processor;
    const type = (name: string): bigint => vmxCalls.find((call) => call.name === name)!.operands[0]!;
    return [type("invept"), type("invvpid")];
  }

  test("of a single context where the processor has it, else of all", async () => {
    expect(await types()).toEqual([1n, 1n]);
    expect(await types(25)).toEqual([2n, 1n]);
    expect(await types(41)).toEqual([1n, 2n]);
  });

  test("of neither kind: refused", () => {
    expect(missing((profile) => { flip(profile, "IA32_VMX_EPT_VPID_CAP", 25); flip(profile, "IA32_VMX_EPT_VPID_CAP", 26); })).toEqual(["IA32_VMX_EPT_VPID_CAP bit 26"]);
    expect(missing((profile) => { flip(profile, "IA32_VMX_EPT_VPID_CAP", 41); flip(profile, "IA32_VMX_EPT_VPID_CAP", 42); })).toEqual(["IA32_VMX_EPT_VPID_CAP bit 42"]);
  });
});

describe("IA32_FEATURE_CONTROL", () => {
  function withValue(value: bigint): { machine: KernelMachine; end: string; writes: bigint[] } {
    const profile = readProfile();
    profile.msrs.set("IA32_FEATURE_CONTROL", value);
    const machine = new KernelMachine(module, { profile });
    const end = machine.boot();
    return { machine, end, writes: machine.processor.msrWrites.filter(({ index }) => index === 0x3a).map((write) => write.value) };
  }

  test("left open by firmware: locked with bit 2, other bits kept", () => {
    expect(withValue(0n)).toMatchObject({ end: "enterGuest", writes: [5n] });
    expect(withValue(0x2_0000n)).toMatchObject({ end: "enterGuest", writes: [0x2_0005n] });
  });

  test("locked with bit 2: not written", () => {
    expect(withValue(5n)).toMatchObject({ end: "enterGuest", writes: [] });
  });

  test("locked without bit 2: refused with words that help", () => {
    const { machine, end, writes } = withValue(1n);
    expect(end).toBe("halt");
    expect(writes).toEqual([]);
    expect(machine.lines.join("\n")).toContain(`fatal ${reason("VmxOn")} on core 0: VMXON failed`);
    expect(machine.lines.join("\n")).toContain("switch on virtualisation (VT-x) in the firmware's set-up");
    expect(machine.processor.vmxCalls).toEqual([]);
  });
});

test.each([["vmxon", "VmxOn"], ["vmptrld", "VmcsLoad"], ["vmclear", "VmcsLoad"]])("%s that fails stops the system with its reason", (instruction, name) => {
  const machine = new KernelMachine(module, { prepare: (made) => made.processor.vmxStatus.set(instruction, 1) });
  expect(machine.boot()).toBe("halt");
  expect(machine.lines.join("\n")).toContain(`fatal ${reason(name)} on core 0`);
});
