// XSETBV: XCR0 stays in the processor, so the kernel writes what the guest may have (SDM 1 13.3).

import { advance, injectGeneralProtection } from "../../cpu/backend";
import { Register, readRegister } from "../../cpu/registers";
import { xsetbv } from "../../cpu/processor";
import { grantedXcr0 } from "../xcr0";

const X87: u64 = 1 << 0;
const SSE: u64 = 1 << 1;
const AVX: u64 = 1 << 2;
/** Opmask, ZMM_Hi256 and Hi16_ZMM come together. */
const AVX512: u64 = 7 << 5;

export function onXsetbv(): void {
  const register = <u32>readRegister(Register.RCX);
  const value = (readRegister(Register.RDX) << 32) | (readRegister(Register.RAX) & 0xffffffff);
  if (register != 0 || !isValid(value)) return injectGeneralProtection();
  xsetbv(0, value);
  advance();
}

function isValid(value: u64): bool {
  if (!(value & X87) || (value & ~grantedXcr0())) return false;
  if ((value & AVX) && !(value & SSE)) return false;
  const avx512 = value & AVX512;
  return avx512 == 0 || (avx512 == AVX512 && (value & AVX) != 0);
}
