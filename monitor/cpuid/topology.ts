// Leaves 4 and 0BH of CPUID: every vCPU has a core of its own, with one thread (SDM 2A CPUID).

import { vcpuCount } from "../configuration";
import { CpuidLeaf, setLeaf } from "./leaf";

/** Bits of an APIC identifier that number the partition's vCPUs. */
function identifierBits(): u32 { return 32 - <u32>clz(vcpuCount() - 1); }

/** Identifiers that these bits can name. */
export function identifierSpace(): u32 { return 1 << identifierBits(); }

/** The caches of the real core, shared with no other logical processor of the partition. EAX[31:26]: identifiers of cores in the package, less one. */
export function showCache(leaf: CpuidLeaf): void {
  leaf.eax = (leaf.eax & 0x3fff) | ((identifierSpace() - 1) << 26);
}

/** Level SMT of one thread, level core of all vCPUs. */
export function showTopology(leaf: CpuidLeaf, vcpu: u32, subleaf: u32): void {
  const level: u32 = subleaf < 2 ? (subleaf + 1) << 8 : 0;
  setLeaf(leaf, subleaf == 1 ? identifierBits() : 0, subleaf == 0 ? 1 : subleaf == 1 ? vcpuCount() : 0, subleaf | level, vcpu);
}
