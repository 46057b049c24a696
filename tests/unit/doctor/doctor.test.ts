// The doctor on hosts that are described, and on this one.

import { spawnSync } from "node:child_process";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { parseNested, parseProcessorFlags, type HostFacts } from "../../../scripts/doctor/facts.ts";
import { examine, isSound, type Finding } from "../../../scripts/doctor/findings.ts";
import { formatFindings } from "../../../scripts/doctor/report.ts";
import { projectDirectory } from "../../../scripts/policy/project.ts";
import { REQUIREMENTS } from "../../../scripts/setup/programs.ts";

const WELL: HostFacts = {
  architecture: "x64",
  isDebian: true,
  processorFlags: new Set(["fpu", "vmx", "ept"]),
  kvm: "usable",
  nestedVmx: true,
  hasDmar: true,
  missing: [],
};

function finding(subject: string, differences: Partial<HostFacts>): Finding {
  const found = examine({ ...WELL, ...differences }).find((one) => one.subject === subject);
  if (found === undefined) throw new Error(`nothing about ${subject}`);
  return found;
}

function requirement(name: string): (typeof REQUIREMENTS)[number] {
  const found = REQUIREMENTS.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no requirement ${name}`);
  return found;
}

test("a host with everything is sound, without a remedy", () => {
  const findings = examine(WELL);
  expect(isSound(findings)).toBe(true);
  expect(findings.map(({ verdict, remedy }) => [verdict, remedy])).toEqual(findings.map(() => ["good", null]));
  expect(formatFindings(findings)).toMatch(/Every command of Bulkhead works here\.\n$/);
});

describe("programs", () => {
  test.each([
    ["clang", "build", "clang"],
    ["bochs", "boot in Bochs", "bochs"],
    ["/usr/lib/grub/x86_64-efi/multiboot2.mod", "images for real machines", "grub-efi-amd64-bin"],
    ["lz4", "tests", "lz4"],
  ])("without %s: %s", (name, subject, debianPackage) => {
    const facts = { ...WELL, missing: [requirement(name)] };
    expect(finding(subject, facts)).toEqual({ subject, verdict: "missing", detail: `missing: ${name} (${debianPackage})`, remedy: "npx bulkhead setup" });
    expect(examine(facts).filter(({ verdict }) => verdict !== "good")).toHaveLength(1);
    expect(isSound(examine(facts))).toBe(false);
  });

  test("on another system than Debian the packages are named, each once", () => {
    const missing = [requirement("llvm-nm"), requirement("llvm-objdump"), requirement("clang")];
    expect(finding("build", { isDebian: false, missing }).remedy).toBe("Install with this system's package manager what Debian calls clang llvm.");
  });
});

describe("QEMU with KVM", () => {
  test.each<[string, Partial<HostFacts>, RegExp, RegExp | null]>([
    ["an AMD processor", { processorFlags: new Set(["svm"]) }, /AMD/, null],
    ["VMX off in the firmware", { processorFlags: new Set(["fpu"]) }, /no VMX/, /firmware's set-up/],
    ["a virtual machine without nesting", { processorFlags: new Set(["hypervisor"]) }, /no VMX/, /at its host/],
    ["no KVM", { kvm: "absent", nestedVmx: null }, /no \/dev\/kvm/, /^sudo modprobe kvm_intel$/],
    ["no right to KVM", { kvm: "forbidden" }, /no right/, /usermod -aG kvm/],
    ["a KVM of another kind", { nestedVmx: null }, /not loaded/, /^sudo modprobe kvm_intel$/],
    ["nesting off", { nestedVmx: false }, /does not offer VMX/, /nested=1.*modprobe -r kvm_intel/],
  ])("%s: told with its remedy, and no reason to fail, since Bochs is there", (_, differences, detail, remedy) => {
    const found = finding("boot in QEMU with KVM", differences);
    expect(found.verdict).toBe("absent");
    expect(found.detail).toMatch(detail);
    if (remedy === null) expect(found.remedy).toBeNull();
    else expect(found.remedy).toMatch(remedy);
    expect(isSound(examine({ ...WELL, ...differences }))).toBe(true);
  });
});

test("this machine itself: each thing that it lacks", () => {
  const { verdict, detail } = finding("this machine itself", { processorFlags: new Set(), hasDmar: false });
  expect(verdict).toBe("absent");
  expect(detail).toBe("cannot run every image: lacks VMX, EPT, VT-d (no ACPI table DMAR; needed to give devices away)");
  expect(finding("this machine itself", { hasDmar: false }).detail).not.toContain("VMX");
});

test("another architecture is missing what everything needs", () => {
  const findings = examine({ ...WELL, architecture: "arm64" });
  expect(isSound(findings)).toBe(false);
  expect(formatFindings(findings)).toMatch(/^MISSING {2}processor +arm64/);
});

describe("what Linux writes", () => {
  test("processor flags, with the VMX features that stand on their own line", () => {
    const text = "processor\t: 0\nflags\t\t: fpu vmx\nvmx flags\t: vnmi ept\nbugs\t\t: spectre_v1\n\nprocessor\t: 1\nflags\t\t: other\n";
    expect([...parseProcessorFlags(text)]).toEqual(["fpu", "vmx", "vnmi", "ept"]);
    expect(parseProcessorFlags("").size).toBe(0);
  });

  test.each([["Y\n", true], ["1\n", true], ["N\n", false], ["0\n", false], ["", null]])("nested %j", (parameter, nested) => {
    expect(parseNested(parameter)).toBe(nested);
  });
});

test("the command tells of this host and ends with its status", () => {
  const { status, stdout } = spawnSync(process.execPath, [path.join(projectDirectory, "scripts/bootstrap.mjs"), "doctor"], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  for (const subject of ["build", "boot in Bochs", "boot in QEMU with KVM", "images for real machines", "tests", "this machine itself"]) expect(stdout).toContain(subject);
  expect(status).toBe(stdout.includes("MISSING") ? 1 : 0);
});
