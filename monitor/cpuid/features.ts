// The feature leaves of CPUID: what is not virtualised is not shown (SDM 2A CPUID).

import { grantedXcr0, hasDevice, hasFastStrings, vcpuCount } from "../configuration";
import { isGloballyEnabled } from "../devices/local-apic/state";
import { CpuidControl, Device } from "../interface";
import { CpuidLeaf } from "./leaf";
import { identifierSpace } from "./topology";
import { LEAF7_EBX_AVX512, vectorsWithheld1Ecx, vectorsWithheld7Ebx, vectorsWithheld7Ecx, vectorsWithheld7Edx } from "./vector-features";

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
  export const OSXSAVE: u32 = 1 << 27;
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
/** They are virtual (devices/msr/mtrr.ts), whatever the processor has. */
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

const EXTENDED1_ECX_SHOWN: u32 = (1 << 0) | (1 << 5) | (1 << 8); // LAHF64, LZCNT, PREFETCHW
const EXTENDED1_EDX_SHOWN: u32 = (1 << 11) | (1 << 20) | (1 << 26) | (1 << 29); // SYSCALL, NX, 1 GiB pages, LM
const EXTENDED1_EDX_RDTSCP: u32 = 1 << 27;

/** Leaf 1; the guest's state shows in OSXSAVE and APIC (SDM 3A 11.4.3). */
export function showFeatures(leaf: CpuidLeaf, vcpu: u32, controls: u32): void {
  const clflushSize = leaf.ebx & 0xff00;
  leaf.ebx = clflushSize | (identifierSpace() << 16) | (vcpu << 24);
  leaf.ecx = (leaf.ecx & LEAF1_ECX_SHOWN) | Leaf1Ecx.HYPERVISOR;
  leaf.edx = (leaf.edx & (LEAF1_EDX_SHOWN | LEAF1_EDX_APIC)) | LEAF1_EDX_MTRR | (vcpuCount() > 1 ? LEAF1_EDX_HTT : 0);
  if (hasDevice(Device.LocalApic)) leaf.ecx |= Leaf1Ecx.X2APIC | Leaf1Ecx.TSC_DEADLINE;
  if (!hasDevice(Device.LocalApic) || !isGloballyEnabled(vcpu)) leaf.edx &= ~LEAF1_EDX_APIC;
  leaf.ecx &= ~vectorsWithheld1Ecx(grantedXcr0());
  if (grantedXcr0() == 0) leaf.ecx &= ~Leaf1Ecx.XSAVE;
  if (controls & CpuidControl.OsXsave) leaf.ecx |= Leaf1Ecx.OSXSAVE;
}

/** Leaf 7, subleaf 0, the only one. ERMS and FSRM are shown together with fast strings: Linux does not cope with half of it. */
export function showStructuredFeatures(leaf: CpuidLeaf, controls: u32): void {
  const granted = grantedXcr0();
  leaf.eax = 0;
  leaf.ebx = (leaf.ebx & (LEAF7_EBX_SHOWN | (controls & CpuidControl.Invpcid ? Leaf7Ebx.INVPCID : 0))) | Leaf7Ebx.TSC_ADJUST;
  leaf.ebx &= ~vectorsWithheld7Ebx(granted);
  leaf.ecx &= LEAF7_ECX_SHOWN & ~vectorsWithheld7Ecx(granted);
  leaf.edx &= LEAF7_EDX_SHOWN & ~vectorsWithheld7Edx(granted);
  if (hasFastStrings()) return;
  leaf.ebx &= ~Leaf7Ebx.ERMS;
  leaf.edx &= ~LEAF7_EDX_FSRM;
}

/** Leaf 80000001H. */
export function showExtendedFeatures(leaf: CpuidLeaf, controls: u32): void {
  leaf.ecx &= EXTENDED1_ECX_SHOWN;
  leaf.edx &= EXTENDED1_EDX_SHOWN | (controls & CpuidControl.Rdtscp ? EXTENDED1_EDX_RDTSCP : 0);
}
