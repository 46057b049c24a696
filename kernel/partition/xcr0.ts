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
