// IA32_MISC_ENABLE as guests see it, SDM 4 table 2-2.

import { hasFastStrings } from "../../configuration";
import { MAXIMUM_VCPUS } from "../../interface";

const FAST_STRINGS: u64 = 1 << 0;
/** Branch trace store and PEBS are unavailable, which a guest cannot change. */
const NO_TRACE: u64 = (1 << 11) | (1 << 12);
/**
 * Thermal control, performance monitoring, SpeedStep, MONITOR, CPUID limit, xTPR messages and XD disable: kept as written. What
 * they would switch is either not offered or, as the CPUID limit, for firmware to use.
 */
const KEPT: u64 = FAST_STRINGS | (1 << 3) | (1 << 7) | (1 << 16) | (1 << 18) | (1 << 22) | (1 << 23) | (1 << 34);

const values: usize = memory.data(64, 8); // MAXIMUM_VCPUS u64

function place(vcpu: u32): usize { return values + ((vcpu & (MAXIMUM_VCPUS - 1)) << 3); }

/** Takes over from the processor whether its fast strings are on. */
export function resetMiscEnable(vcpu: u32): void { store<u64>(place(vcpu), hasFastStrings() ? NO_TRACE | FAST_STRINGS : NO_TRACE); }

export function miscEnable(vcpu: u32): u64 { return load<u64>(place(vcpu)); }

/** False if the processor would raise #GP(0). */
export function writeMiscEnable(vcpu: u32, value: u64): bool {
  if (value & ~(KEPT | NO_TRACE)) return false;
  store<u64>(place(vcpu), value | NO_TRACE);
  return true;
}
