// Extended state that guests may enable: x87, SSE, AVX and AVX-512, as far as the processor has them.

import { cpuid } from "../cpu/processor";

const GRANTED: u64 = 0xe7;
const LEAF_EXTENDED_STATE: u32 = 0xd;
const scratch = memory.data(16, 8);

/** Bits of XCR0 a guest may set; 0 where the processor has no XSAVE. */
export function grantedXcr0(): u64 {
  cpuid(0, 0, scratch);
  if (load<u32>(scratch) < LEAF_EXTENDED_STATE) return 0;
  cpuid(LEAF_EXTENDED_STATE, 0, scratch);
  const supported = <u64>load<u32>(scratch) | (<u64>load<u32>(scratch, 12) << 32);
  return supported & GRANTED;
}

/** Components above SSE, each with a subleaf of its own that tells size (EAX), offset (EBX) and alignment (ECX bit 1). */
const FIRST_COMPONENT: u32 = 2;
const LAST_COMPONENT: u32 = 7;
const ALIGNED: u32 = 1 << 1;
/** Legacy region and XSAVE header, SDM 1 13.4. */
const BASE_SIZE: u32 = 576;

export function isGranted(granted: u64, component: u32): bool {
  return component < 64 && ((granted >> component) & 1) != 0;
}

/** Bytes of the standard format for the components in `features`, SDM 1 13.4.3. */
export function areaSize(features: u64): u32 {
  let size = BASE_SIZE;
  for (let component = FIRST_COMPONENT; component <= LAST_COMPONENT; component++) {
    if (!isGranted(features, component)) continue;
    cpuid(LEAF_EXTENDED_STATE, component, scratch);
    size = max(size, load<u32>(scratch, 4) + load<u32>(scratch));
  }
  return size;
}

/** Bytes of the compacted format for the components in `features`. */
export function compactedAreaSize(features: u64): u32 {
  let size = BASE_SIZE;
  for (let component = FIRST_COMPONENT; component <= LAST_COMPONENT; component++) {
    if (!isGranted(features, component)) continue;
    cpuid(LEAF_EXTENDED_STATE, component, scratch);
    if (load<u32>(scratch, 8) & ALIGNED) size = (size + 63) & ~63;
    size += load<u32>(scratch);
  }
  return size;
}
