// Recorded processors of tests/fixtures/capabilities, given to the simulated one.

import { readFileSync } from "node:fs";
import path from "node:path";
import { projectDirectory } from "../../../scripts/policy/project.ts";
import type { Processor } from "../machine/processor.ts";
import { enumReader } from "../machine/source-enums.ts";

export const msrIndex = enumReader("kernel/cpu/msr-index.ts", "Msr");

export interface Profile {
  msrs: Map<string, bigint>;
  /** EAX, EBX, ECX, EDX by "leaf" or "leaf.subleaf". */
  cpuid: Map<string, number[]>;
}

export function readProfile(name = "bochs-skylake-x"): Profile {
  const file = path.join(projectDirectory, "tests/fixtures/capabilities", `${name}.json`);
  const { msrs, cpuid } = JSON.parse(readFileSync(file, "utf8")) as { msrs: Record<string, string>; cpuid: Record<string, string[]> };
  return {
    msrs: new Map(Object.entries(msrs).map(([msr, value]) => [msr, BigInt(value)])),
    cpuid: new Map(Object.entries(cpuid).map(([leaf, values]) => [leaf, values.map(Number)])),
  };
}

/** MSRs that every x86-64 processor has, as firmware and the boot floor leave them. */
const COMMON_MSRS: Record<string, bigint> = {
  IA32_PAT: 0x0007_0406_0007_0406n,
  IA32_EFER: 0xd01n,
  IA32_STAR: 0x23n,
  IA32_LSTAR: 0x24n,
  IA32_CSTAR: 0x25n,
  IA32_FMASK: 0x26n,
  IA32_KERNEL_GS_BASE: 0x27n,
  IA32_TSC_AUX: 0x28n,
};

/** CPUID.7:EDX bits that say that an MSR against speculation exists. */
const SPECULATION_MSRS: readonly [bit: number, msr: string][] = [[26, "IA32_SPEC_CTRL"], [26, "IA32_PRED_CMD"], [28, "IA32_FLUSH_CMD"]];

function speculationMsrs({ cpuid }: Profile): [string, bigint][] {
  const edx = cpuid.get("0x7")?.[3] ?? 0;
  return SPECULATION_MSRS.flatMap(([bit, msr]) => ((edx >>> bit) & 1 ? [[msr, 0n]] : []));
}

export function applyProfile(processor: Processor, profile: Profile): void {
  for (const [name, value] of [...Object.entries(COMMON_MSRS), ...speculationMsrs(profile), ...profile.msrs]) processor.msrs.set(msrIndex(name), value);
  for (const [key, [eax, ebx, ecx, edx]] of profile.cpuid) {
    const [leaf, subleaf] = key.split(".");
    processor.setCpuid(Number(leaf), Number(subleaf ?? 0), { eax: eax!, ebx: ebx!, ecx: ecx!, edx: edx! });
  }
}
