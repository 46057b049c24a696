// The virtual processor in Bochs, judged by partitions/conformance: instructions, registers, debug traps, time and events as on
// hardware. Nothing of it stops the partition or leaves more than audit lines.

import { beforeAll, describe, expect, test } from "vitest";
import { typescript } from "../../scripts/policy/language.ts";
import { bootSystem, type SystemOutput } from "./helpers/system.ts";

const TIMEOUT_SECONDS = 60;
const CHECK = "check ";

/** Checks in the order of the partition, by the file that makes them. */
const CHECKS: Record<string, readonly string[]> = {
  cpuid: [
    "cpuid hides VMX and MONITOR", "cpuid shows a hypervisor", "cpuid shows MTRRs and PAT", "cpuid shows TSC_ADJUST",
    "cpuid ends below leaves 15H and 16H", "cpuid beyond the highest leaf", "cpuid mirrors CR4.OSXSAVE",
  ],
  msrs: [
    "MISC_ENABLE keeps its bits", "MISC_ENABLE reserved bit", "FEATURE_CONTROL is locked without VMX", "FEATURE_CONTROL write",
    "PLATFORM_ID write", "MCG_CAP has no banks", "PLATFORM_INFO", "microcode revision", "DEBUGCTL.BTF", "DEBUGCTL.LBR", "VMX MSRs",
    "IA32_XSS", "EFER reserved bit", "EFER.LME while paging", "SYSENTER_ESP", "SYSENTER_ESP non-canonical",
    "SYSENTER_EIP non-canonical", "LSTAR", "LSTAR non-canonical", "CSTAR non-canonical", "FS_BASE", "FS_BASE non-canonical",
    "KERNEL_GS_BASE non-canonical",
  ],
  "memory-types": [
    "PAT after reset", "PAT", "PAT reserved type", "MTRRCAP", "MTRRCAP write", "MTRRs are enabled", "MTRR default type",
    "MTRR default type reserved", "MTRR variable base", "MTRR variable base reserved", "MTRR variable mask",
    "MTRR variable mask reserved", "MTRR fixed range", "MTRR fixed range reserved",
  ],
  "control-registers": [
    "CR0.NE set", "CR0.NE cleared", "CR0.CD", "CR0.CD with NW", "CR0.NW without CD", "CR0.PG without PE",
    "CR0.PG cleared in 64-bit mode", "CR0 upper half", "CR0 after refused writes", "CR4.VMXE", "CR4.SMXE", "CR4.LA57", "CR4.CET",
    "CR4 reserved bit", "CR4 upper half", "CR4.PAE cleared in 64-bit mode", "CR4 after refused writes",
    "CR3 beyond the physical addresses", "CR8", "CR8 reads back", "CR8 reserved bit",
  ],
  "extended-state": [
    "XGETBV without OSXSAVE", "XSETBV without OSXSAVE", "XSETBV with all that CPUID shows", "XCR0 reads back",
    "XSAVE area is as large as CPUID says", "XCR0 without x87", "XCR0 AVX without SSE", "XCR0 reserved bit", "XCR1", "XSAVES", "XRSTORS",
  ],
  instructions: [
    "UD2", "MONITOR", "MWAIT", "VMXON", "VMREAD", "VMFUNC", "GETSEC", "RSM", "RDPMC", "a non-canonical address",
    "a page that is not mapped", "CR2 behind it", "WBINVD", "INVLPG", "PAUSE", "SGDT, SIDT, SLDT, STR, LGDT, LIDT",
    "RDRAND as CPUID says", "RDSEED as CPUID says", "INVPCID as CPUID says", "INVPCID of a type that does not exist",
  ],
  debug: [
    "single step over NOP", "single step over CPUID", "single step over RDMSR", "single step over WRMSR", "single step over WBINVD",
    "single step over HLT", "single step over VMCALL", "single step over MOV SS and CPUID", "single step with DR7.GD",
    "DR7.GD behind CPUID",
  ],
  time: [
    "TSC_ADJUST at the start", "TSC_ADJUST reads back", "TSC_ADJUST moves the counter", "TSC_ADJUST moves it back", "TSC write",
    "TSC write moves TSC_ADJUST", "TSC write of 0", "RDTSC and the MSR agree", "TSC_AUX", "RDTSCP", "TSC deadline behind a TSC write",
  ],
  events: ["interrupt behind the shadow of STI", "interrupt behind CPUID in the shadow of STI", "NMI during an NMI"],
};

describe.each([["virtualised", "apic-virtualisation=on"], ["software", ""]])("local APIC: %s", (name, commandLine) => {
  let output: SystemOutput;
  beforeAll(async () => {
    const guest = { name: "guest", core: 0, memory: "8 MiB", devices: ["local-apic" as const], image: typescript("conformance") };
    output = await bootSystem({ name: `test-conformance-${name}`, partitions: [guest] }, { timeoutSeconds: TIMEOUT_SECONDS, commandLine });
  }, 120_000);

  const lines = (): string[] => output.of("guest");
  const result = (check: string): string => lines().find((line) => line.startsWith(`${CHECK}${check}: `))?.slice(`${CHECK}${check}: `.length) ?? "not printed";

  describe.each(Object.entries(CHECKS))("%s", (_group, names) => {
    test.each(names)("%s", (check) => {
      expect(result(check)).toBe("ok");
    });
  });

  test("all of them ran, and no other", () => {
    expect(lines().filter((line) => line.startsWith(CHECK)).map((line) => line.replace(/: .*$/, "").slice(CHECK.length))).toEqual(Object.values(CHECKS).flat());
    expect(lines().at(-1)).toBe("conformance: done");
  });

  test("what is not offered was audited, and the partition ended by itself", () => {
    expect(output.audits("guest", 0).map(({ what }) => what)).toEqual([
      "wrote MSR 0x0000003a", "read MSR 0x00000480", "read MSR 0x00000da0", "executed VMXON", "executed VMREAD",
    ]);
    expect(output.summary("guest")).toBe("summary: guest: core 0, 8 MiB, powered off, restarts 0, violations 5");
  });
});
