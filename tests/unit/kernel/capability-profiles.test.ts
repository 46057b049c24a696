// The kernel on each recorded processor: it comes up with controls that the processor allows, or names what is missing.

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { projectDirectory } from "../../../scripts/policy/project.ts";
import { enumReader } from "../machine/source-enums.ts";
import { readProfile } from "./capabilities.ts";
import { compileKernel, KernelMachine, type KernelModules } from "./kernel-machine.ts";

const FOLDER = path.join(projectDirectory, "tests/fixtures/capabilities");
const PROFILES = readdirSync(FOLDER).map((file) => file.replace(/\.json$/, ""));
const FSGSBASE = "CPUID.7:EBX bit 0";
const reason = enumReader("kernel/boot/fatal.ts", "FatalReason");

/** What a recorded processor lacks; the others must come up. */
const MISSING: Record<string, string[]> = {
  "nehalem-lynnfield": [FSGSBASE, "IA32_VMX_PROCBASED_CTLS2 bit 39"],
  "westmere-clarkdale": [FSGSBASE],
  "sandy-bridge-e": [FSGSBASE],
  "kvm-nested-cloud": ["IA32_VMX_TRUE_PINBASED_CTLS bit 38"],
};

/** Control field and the MSR that says which of its bits may be 0 (low half) and which 1 (high half). */
const CONTROLS = [
  ["PIN_BASED_CONTROLS", "IA32_VMX_TRUE_PINBASED_CTLS"],
  ["PRIMARY_CONTROLS", "IA32_VMX_TRUE_PROCBASED_CTLS"],
  ["SECONDARY_CONTROLS", "IA32_VMX_PROCBASED_CTLS2"],
  ["VM_EXIT_CONTROLS", "IA32_VMX_TRUE_EXIT_CTLS"],
  ["VM_ENTRY_CONTROLS", "IA32_VMX_TRUE_ENTRY_CTLS"],
] as const;

let module: KernelModules;
beforeAll(async () => {
  module = await compileKernel();
}, 240_000);

describe("the fixtures", () => {
  test("span Nehalem to Sapphire Rapids and nested KVM", () => {
    expect(PROFILES).toEqual(expect.arrayContaining(["nehalem-lynnfield", "haswell", "skylake", "sapphire-rapids", "kvm-nested-skylake"]));
    expect(PROFILES.length).toBeGreaterThanOrEqual(8);
  });

  test.each(PROFILES)("%s says where its numbers come from", (name) => {
    const { source } = JSON.parse(readFileSync(path.join(FOLDER, `${name}.json`), "utf8")) as { source: string };
    expect(source).toMatch(/github\.com\/\w|Bochs/);
  });
});

describe("comes up, with controls that the processor allows", () => {
  test.each(PROFILES.filter((name) => MISSING[name] === undefined))("%s", (name) => {
    const profile = readProfile(name);
    const machine = new KernelMachine(module, { profile });
    expect(machine.boot(), machine.debugConsole.output).toBe("enterGuest");
    for (const [field, msr] of CONTROLS) {
      const capability = profile.msrs.get(msr)!;
      const value = machine.vmcs(field);
      expect(value & capability & 0xffff_ffffn, `${field} leaves out what must be 1`).toBe(capability & 0xffff_ffffn);
      expect(value & ~(capability >> 32n), `${field} sets what must be 0`).toBe(0n);
    }
  });

  test.each(PROFILES.filter((name) => MISSING[name] === undefined))("%s: CR0 and CR4 keep what VMX fixes", (name) => {
    const { msrs } = readProfile(name);
    const machine = new KernelMachine(module, { profile: readProfile(name) });
    machine.boot();
    for (const [value, register] of [[machine.processor.cr0, "CR0"], [machine.processor.cr4, "CR4"]] as const) {
      expect(value & msrs.get(`IA32_VMX_${register}_FIXED0`)!).toBe(msrs.get(`IA32_VMX_${register}_FIXED0`));
      expect(value & ~msrs.get(`IA32_VMX_${register}_FIXED1`)!).toBe(0n);
    }
  });
});

describe("names all that is missing and stops", () => {
  test.each(Object.keys(MISSING))("%s", (name) => {
    const machine = new KernelMachine(module, { profile: readProfile(name) });
    expect(machine.boot()).toBe("halt");
    const named = machine.lines.flatMap((line) => /missing: (\S+ bit \d+) \(/.exec(line)?.[1] ?? []);
    expect(named).toEqual(MISSING[name]);
    expect(machine.lines.join("\n")).toContain(`fatal ${reason("ProcessorUnsuitable")} on core 0`);
    expect(machine.processor.vmxCalls).toEqual([]);
  });
});
