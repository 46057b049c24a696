// From facts to findings: what this host can do, what it cannot, and the command that mends it.

import { missingFor, type Purpose, type Requirement } from "../setup/programs.ts";
import type { HostFacts } from "./facts.ts";

/** absent: Bulkhead works without it, slower or not on this machine itself; missing: a command will fail. */
export type Verdict = "good" | "absent" | "missing";

export interface Finding {
  subject: string;
  verdict: Verdict;
  /** One line. */
  detail: string;
  /** What to do about it; null if good or beyond mending. */
  remedy: string | null;
}

const SUBJECTS: readonly [Purpose, string][] = [
  ["build", "build"],
  ["boot", "boot in Bochs"],
  ["image", "images for real machines"],
  ["test", "tests"],
];

const LOAD_KVM = "sudo modprobe kvm_intel";
const NESTING = 'echo "options kvm_intel nested=1" | sudo tee /etc/modprobe.d/kvm-nested.conf && sudo modprobe -r kvm_intel && sudo modprobe kvm_intel';

export function examine(facts: HostFacts): Finding[] {
  return [architecture(facts), ...SUBJECTS.map(([purpose, subject]) => programs(subject, missingFor(purpose, facts.missing), facts)), nestedKvm(facts), thisMachine(facts)];
}

/** True if nothing is missing that a command of Bulkhead needs. */
export function isSound(findings: readonly Finding[]): boolean {
  return findings.every(({ verdict }) => verdict !== "missing");
}

function good(subject: string, detail: string): Finding {
  return { subject, verdict: "good", detail, remedy: null };
}

function absent(subject: string, detail: string, remedy: string | null = null): Finding {
  return { subject, verdict: "absent", detail, remedy };
}

function architecture(facts: HostFacts): Finding {
  const subject = "processor";
  if (facts.architecture === "x64") return good(subject, "x86-64");
  return { subject, verdict: "missing", detail: `${facts.architecture}: the tool-chain and the guests are those of x86-64`, remedy: "Use a machine with an x86-64 processor." };
}

function programs(subject: string, missing: readonly Requirement[], facts: HostFacts): Finding {
  if (missing.length === 0) return good(subject, "all programs are there");
  const detail = `missing: ${missing.map(({ name, debianPackage }) => `${name} (${debianPackage})`).join(", ")}`;
  const packages = [...new Set(missing.map(({ debianPackage }) => debianPackage))].sort().join(" ");
  const remedy = facts.isDebian ? "npx bulkhead setup" : `Install with this system's package manager what Debian calls ${packages}.`;
  return { subject, verdict: "missing", detail, remedy };
}

/** Each step needs those before it, so the first that fails is what is told. */
function nestedKvm(facts: HostFacts): Finding {
  const subject = "boot in QEMU with KVM";
  const flags = facts.processorFlags;
  if (!flags.has("vmx")) {
    if (flags.has("svm")) return absent(subject, "the processor is AMD's; Bulkhead drives Intel's VMX. Bochs is used");
    const remedy = flags.has("hypervisor")
      ? "Switch nested virtualisation on for this virtual machine at its host."
      : "Switch virtualisation (VT-x) on in the firmware's set-up, if the processor has it.";
    return absent(subject, "no VMX (CPUID.1:ECX bit 5). Bochs is used", remedy);
  }
  if (facts.kvm === "absent") return absent(subject, "no /dev/kvm. Bochs is used", LOAD_KVM);
  if (facts.kvm === "forbidden") return absent(subject, "no right to use /dev/kvm. Bochs is used", "sudo usermod -aG kvm $USER, then log in again");
  if (facts.nestedVmx === null) return absent(subject, "kvm_intel is not loaded. Bochs is used", LOAD_KVM);
  if (!facts.nestedVmx) return absent(subject, "kvm_intel does not offer VMX to its guests. Bochs is used", NESTING);
  return good(subject, "KVM offers VMX to its guests");
}

/** Whether an image would run here on the bare machine, as far as Linux lets one see. */
function thisMachine(facts: HostFacts): Finding {
  const subject = "this machine itself";
  const flags = facts.processorFlags;
  const lacks = [
    ...(flags.has("vmx") ? [] : ["VMX"]),
    ...(flags.has("ept") ? [] : ["EPT"]),
    ...(facts.hasDmar ? [] : ["VT-d (no ACPI table DMAR; needed to give devices away)"]),
  ];
  if (lacks.length > 0) return absent(subject, `cannot run every image: lacks ${lacks.join(", ")}`);
  return good(subject, "has VMX, EPT and VT-d; an image that boots here names all else that is missing");
}
