// The CPUID leaves of a partition, made once from the processor's: what is not virtualised is not shown (SDM 2A CPUID).

import { hasInvpcid, hasRdtscp } from "../cpu/backend";
import { cpuid } from "../cpu/processor";
import { Device } from "../../monitor/interface";
import { currentVcpu, hasDevice, vcpuCount } from "./current";
import { hasFastStrings } from "./misc-enable";
import { LEAF7_EBX_AVX512, vectorsWithheld1Ecx, vectorsWithheld7Ebx, vectorsWithheld7Ecx, vectorsWithheld7Edx } from "./vector-features";
import { grantedXcr0 } from "./xcr0";

/** One answer. */
@unmanaged
export class CpuidLeaf {
  eax: u32;
  ebx: u32;
  ecx: u32;
  edx: u32;
}

export const BASIC_LEAVES: u32 = 0xe;
export const EXTENDED_LEAVES: u32 = 9;
export const HYPERVISOR_LEAF: u32 = 0x40000000;
const LEAF_SIZE: u32 = 16;

/** Highest basic leaf shown: leaves 15H and 16H, which mislead under Bochs and nested KVM, lie above it. */
const HIGHEST_BASIC: u32 = 0xd;
const HIGHEST_EXTENDED: u32 = 0x80000008;

const basic: usize = memory.data(224, 8); // BASIC_LEAVES * LEAF_SIZE
const extended: usize = memory.data(144, 8); // EXTENDED_LEAVES * LEAF_SIZE
const hypervisor: usize = memory.data(16, 8);

namespace Leaf1Ecx {
  export const SSE3: u32 = 1 << 0;
  export const PCLMULQDQ: u32 = 1 << 1;
  export const SSSE3: u32 = 1 << 9;
  export const FMA: u32 = 1 << 12;
  export const CMPXCHG16B: u32 = 1 << 13;
  export const PCID: u32 = 1 << 17;
  export const SSE4_1: u32 = 1 << 19;
  export const SSE4_2: u32 = 1 << 20;
  export const X2APIC: u32 = 1 << 21;
  export const MOVBE: u32 = 1 << 22;
  export const POPCNT: u32 = 1 << 23;
  export const TSC_DEADLINE: u32 = 1 << 24;
  export const AESNI: u32 = 1 << 25;
  export const XSAVE: u32 = 1 << 26;
  export const AVX: u32 = 1 << 28;
  export const F16C: u32 = 1 << 29;
  export const RDRAND: u32 = 1 << 30;
  export const HYPERVISOR: u32 = 1 << 31;
}
const LEAF1_ECX_SHOWN: u32 = Leaf1Ecx.SSE3 | Leaf1Ecx.PCLMULQDQ | Leaf1Ecx.SSSE3 | Leaf1Ecx.FMA | Leaf1Ecx.CMPXCHG16B | Leaf1Ecx.PCID
  | Leaf1Ecx.SSE4_1 | Leaf1Ecx.SSE4_2 | Leaf1Ecx.MOVBE | Leaf1Ecx.POPCNT | Leaf1Ecx.AESNI | Leaf1Ecx.XSAVE | Leaf1Ecx.AVX | Leaf1Ecx.F16C
  | Leaf1Ecx.RDRAND;

/**
 * FPU VME DE PSE TSC MSR PAE MCE CX8 SEP PGE CMOV PAT PSE36 CLFSH MMX FXSR SSE SSE2 SS. MCE, of which no exception ever comes, because
 * firmware (OVMF) sets CR4.MCE unasked; MCA is not virtualised.
 */
const LEAF1_EDX_SHOWN: u32 = 0x0f8ba9ff;
const LEAF1_EDX_APIC: u32 = 1 << 9;
/** EBX[23:16] counts the package's APIC identifiers. */
const LEAF1_EDX_HTT: u32 = 1 << 28;
/** The kernel keeps these registers itself, whatever the processor has. */
const LEAF1_EDX_MTRR: u32 = 1 << 12;

namespace Leaf7Ebx {
  export const FSGSBASE: u32 = 1 << 0;
  export const TSC_ADJUST: u32 = 1 << 1;
  export const BMI1: u32 = 1 << 3;
  export const AVX2: u32 = 1 << 5;
  export const SMEP: u32 = 1 << 7;
  export const BMI2: u32 = 1 << 8;
  export const ERMS: u32 = 1 << 9;
  export const INVPCID: u32 = 1 << 10;
  export const RDSEED: u32 = 1 << 18;
  export const ADX: u32 = 1 << 19;
  export const SMAP: u32 = 1 << 20;
  export const CLFLUSHOPT: u32 = 1 << 23;
  export const CLWB: u32 = 1 << 24;
  export const SHA: u32 = 1 << 29;
}
const LEAF7_EBX_SHOWN: u32 = Leaf7Ebx.FSGSBASE | Leaf7Ebx.BMI1 | Leaf7Ebx.AVX2 | Leaf7Ebx.SMEP | Leaf7Ebx.BMI2 | Leaf7Ebx.ERMS | Leaf7Ebx.RDSEED
  | Leaf7Ebx.ADX | Leaf7Ebx.SMAP | Leaf7Ebx.CLFLUSHOPT | Leaf7Ebx.CLWB | Leaf7Ebx.SHA | LEAF7_EBX_AVX512;
/** AVX512_VBMI, UMIP, VBMI2, GFNI, VAES, VPCLMULQDQ, VNNI, BITALG, VPOPCNTDQ. */
const LEAF7_ECX_SHOWN: u32 = (1 << 1) | (1 << 2) | (1 << 6) | (1 << 8) | (1 << 9) | (1 << 10) | (1 << 11) | (1 << 12) | (1 << 14);
/** AVX512_4VNNIW, 4FMAPS, FSRM, VP2INTERSECT, MD_CLEAR, SERIALIZE. */
const LEAF7_EDX_SHOWN: u32 = (1 << 2) | (1 << 3) | (1 << 4) | (1 << 8) | (1 << 10) | (1 << 14);

const LEAF7_EDX_FSRM: u32 = 1 << 4;

const LEAF6_EAX_ARAT: u32 = 1 << 2; // the deadline timer never stops
const EXTENDED1_ECX_SHOWN: u32 = (1 << 0) | (1 << 5) | (1 << 8); // LAHF64, LZCNT, PREFETCHW
const EXTENDED1_EDX_SHOWN: u32 = (1 << 11) | (1 << 20) | (1 << 26) | (1 << 29); // SYSCALL, NX, 1 GiB pages, LM
const EXTENDED1_EDX_RDTSCP: u32 = 1 << 27;
const EXTENDED7_EDX_INVARIANT_TSC: u32 = 1 << 8;

export function basicLeaf(leaf: u32): CpuidLeaf { return changetype<CpuidLeaf>(basic + leaf * LEAF_SIZE); }
/** Leaf 0x80000000 + index. */
export function extendedLeaf(index: u32): CpuidLeaf { return changetype<CpuidLeaf>(extended + index * LEAF_SIZE); }
export function hypervisorLeaf(): CpuidLeaf { return changetype<CpuidLeaf>(hypervisor); }
export function maximumBasicLeaf(): u32 { return basicLeaf(0).eax; }

/** Fills the tables for the partition of this core. */
export function buildCpuidTable(): void {
  memory.fill(basic, 0, BASIC_LEAVES * LEAF_SIZE);
  memory.fill(extended, 0, EXTENDED_LEAVES * LEAF_SIZE);
  buildIdentification();
  buildFeatures();
  buildStructuredFeatures();
  buildExtended();
  buildHypervisor();
}

function copyLeaf(leaf: u32): CpuidLeaf {
  cpuid(leaf, 0, changetype<usize>(basicLeaf(leaf)));
  return basicLeaf(leaf);
}

function buildIdentification(): void {
  const first = copyLeaf(0);
  first.eax = min(first.eax, HIGHEST_BASIC);
  if (first.eax >= 2) copyLeaf(2);
  if (first.eax >= 6) basicLeaf(6).eax = LEAF6_EAX_ARAT;
}

/** Bits of an APIC identifier that number the partition's vCPUs, one thread on a core each. */
export function identifierBits(): u32 { return 32 - <u32>clz(vcpuCount() - 1); }
/** Identifiers that these bits can name. */
export function identifierSpace(): u32 { return 1 << identifierBits(); }

function buildFeatures(): void {
  const leaf = copyLeaf(1);
  const hasApic = hasDevice(Device.LocalApic);
  const clflushSize = leaf.ebx & 0xff00;
  leaf.ebx = clflushSize | (identifierSpace() << 16) | (currentVcpu() << 24);
  leaf.ecx = (leaf.ecx & LEAF1_ECX_SHOWN) | Leaf1Ecx.HYPERVISOR;
  leaf.edx = (leaf.edx & (LEAF1_EDX_SHOWN | LEAF1_EDX_APIC)) | LEAF1_EDX_MTRR | (vcpuCount() > 1 ? LEAF1_EDX_HTT : 0);
  if (hasApic) leaf.ecx |= Leaf1Ecx.X2APIC | Leaf1Ecx.TSC_DEADLINE;
  else leaf.edx &= ~LEAF1_EDX_APIC;
  leaf.ecx &= ~vectorsWithheld1Ecx(grantedXcr0());
  if (!grantedXcr0()) leaf.ecx &= ~Leaf1Ecx.XSAVE;
}

function buildStructuredFeatures(): void {
  if (maximumBasicLeaf() < 7) return;
  const leaf = copyLeaf(7);
  leaf.eax = 0;
  leaf.ebx = (leaf.ebx & (LEAF7_EBX_SHOWN | (hasInvpcid() ? Leaf7Ebx.INVPCID : 0))) | Leaf7Ebx.TSC_ADJUST;
  leaf.ecx &= LEAF7_ECX_SHOWN;
  leaf.edx &= LEAF7_EDX_SHOWN;
  const granted = grantedXcr0();
  leaf.ebx &= ~vectorsWithheld7Ebx(granted);
  leaf.ecx &= ~vectorsWithheld7Ecx(granted);
  leaf.edx &= ~vectorsWithheld7Edx(granted);
  if (hasFastStrings()) return;
  leaf.ebx &= ~Leaf7Ebx.ERMS;
  leaf.edx &= ~LEAF7_EDX_FSRM;
}

function buildExtended(): void {
  for (let index: u32 = 0; index < EXTENDED_LEAVES; index++) {
    cpuid(0x80000000 + index, 0, changetype<usize>(extendedLeaf(index)));
  }
  extendedLeaf(0).eax = min(extendedLeaf(0).eax, HIGHEST_EXTENDED);
  extendedLeaf(1).ecx &= EXTENDED1_ECX_SHOWN;
  extendedLeaf(1).edx &= EXTENDED1_EDX_SHOWN | (hasRdtscp() ? EXTENDED1_EDX_RDTSCP : 0);
  const power = extendedLeaf(7);
  power.eax = 0;
  power.ebx = 0;
  power.ecx = 0;
  power.edx &= EXTENDED7_EDX_INVARIANT_TSC;
  const sizes = extendedLeaf(8);
  sizes.eax &= 0xffff; // physical and linear address bits
  sizes.ebx = 0;
  sizes.ecx = 0;
  sizes.edx = 0;
}

/** "BulkheadBulk" in EBX, ECX, EDX. */
function buildHypervisor(): void {
  const leaf = hypervisorLeaf();
  leaf.eax = HYPERVISOR_LEAF;
  leaf.ebx = 0x6b6c7542;
  leaf.ecx = 0x64616568;
  leaf.edx = 0x6b6c7542;
}
