// What the doctor looks at on this host.

import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { thisHost } from "../setup/host.ts";
import { missingRequirements, type Requirement } from "../setup/programs.ts";

export interface HostFacts {
  /** As Node names it: x64, arm64, ... */
  architecture: string;
  isDebian: boolean;
  /** Flags of the first processor in /proc/cpuinfo. */
  processorFlags: ReadonlySet<string>;
  kvm: "usable" | "forbidden" | "absent";
  /** Parameter `nested` of kvm_intel; null without the module. */
  nestedVmx: boolean | null;
  /** The firmware describes VT-d units (ACPI table DMAR). */
  hasDmar: boolean;
  /** Everything that the tests, the largest of purposes, need and that is not there. */
  missing: readonly Requirement[];
}

export function readFacts(): HostFacts {
  return {
    architecture: process.arch,
    isDebian: thisHost.isDebian(),
    processorFlags: parseProcessorFlags(readText("/proc/cpuinfo")),
    kvm: kvmDevice(),
    nestedVmx: parseNested(readText("/sys/module/kvm_intel/parameters/nested")),
    hasDmar: existsSync("/sys/firmware/acpi/tables/DMAR"),
    missing: missingRequirements("test", thisHost.has),
  };
}

/** The flags line, and that of VMX features, of the first processor. */
export function parseProcessorFlags(cpuinfo: string): Set<string> {
  const words = ["flags", "vmx flags"].flatMap((name) => new RegExp(`^${name}\\s*:(.*)$`, "m").exec(cpuinfo)?.[1]?.trim().split(/\s+/) ?? []);
  return new Set(words.filter((word) => word !== ""));
}

/** The module writes Y or N, and before Linux 5.7 1 or 0. */
export function parseNested(parameter: string): boolean | null {
  return parameter === "" ? null : /^[Y1]/.test(parameter);
}

function kvmDevice(): HostFacts["kvm"] {
  if (!existsSync("/dev/kvm")) return "absent";
  try {
    accessSync("/dev/kvm", constants.R_OK | constants.W_OK);
    return "usable";
  } catch {
    return "forbidden";
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return "";
  }
}
