// The vector instructions that CPUID may show: those whose registers XCR0 can enable (SDM 1 13.2).

/** XCR0: YMM; opmask, ZMM_Hi256 and Hi16_ZMM. */
const AVX_STATE: u64 = 1 << 2;
const AVX512_STATE: u64 = 7 << 5;

/** CPUID.1:ECX: FMA, AVX, F16C. */
const LEAF1_ECX_AVX: u32 = (1 << 12) | (1 << 28) | (1 << 29);
/** CPUID.7:EBX: AVX2. */
const LEAF7_EBX_AVX: u32 = 1 << 5;
/** CPUID.7:ECX: VAES, VPCLMULQDQ. */
const LEAF7_ECX_AVX: u32 = (1 << 9) | (1 << 10);
/** CPUID.7:EBX: AVX512F, DQ, IFMA, CD, BW, VL. */
export const LEAF7_EBX_AVX512: u32 = (1 << 16) | (1 << 17) | (1 << 21) | (1 << 28) | (1 << 30) | (1 << 31);
/** CPUID.7:ECX: AVX512_VBMI, VBMI2, VNNI, BITALG, VPOPCNTDQ. */
const LEAF7_ECX_AVX512: u32 = (1 << 1) | (1 << 6) | (1 << 11) | (1 << 12) | (1 << 14);
/** CPUID.7:EDX: AVX512_4VNNIW, 4FMAPS, VP2INTERSECT. */
const LEAF7_EDX_AVX512: u32 = (1 << 2) | (1 << 3) | (1 << 8);

/** Bits of CPUID.1:ECX that need more state than `granted`, a value of XCR0. */
export function vectorsWithheld1Ecx(granted: u64): u32 {
  return hasAvx(granted) ? 0 : LEAF1_ECX_AVX;
}

export function vectorsWithheld7Ebx(granted: u64): u32 {
  return (hasAvx(granted) ? 0 : LEAF7_EBX_AVX) | (hasAvx512(granted) ? 0 : LEAF7_EBX_AVX512);
}

export function vectorsWithheld7Ecx(granted: u64): u32 {
  return (hasAvx(granted) ? 0 : LEAF7_ECX_AVX) | (hasAvx512(granted) ? 0 : LEAF7_ECX_AVX512);
}

export function vectorsWithheld7Edx(granted: u64): u32 {
  return hasAvx512(granted) ? 0 : LEAF7_EDX_AVX512;
}

function hasAvx(granted: u64): bool { return (granted & AVX_STATE) != 0; }
function hasAvx512(granted: u64): bool { return (granted & AVX512_STATE) == AVX512_STATE; }
