// IA32_MISC_ENABLE as guests see it, SDM 4 table 2-2.

import { Msr } from "../cpu/msr-index";
import { tryRdmsr } from "../cpu/processor";

const FAST_STRINGS: u64 = 1 << 0;
/** Branch trace store and PEBS are unavailable, which a guest cannot change. */
const NO_TRACE: u64 = (1 << 11) | (1 << 12);
/**
 * Thermal control, performance monitoring, SpeedStep, MONITOR, CPUID limit, xTPR messages and XD disable: kept as written. What
 * they would switch is either not offered or, as the CPUID limit, for firmware to use.
 */
const KEPT: u64 = FAST_STRINGS | (1 << 3) | (1 << 7) | (1 << 16) | (1 << 18) | (1 << 22) | (1 << 23) | (1 << 34);

const scratch = memory.data(8, 8);
let shown: u64 = NO_TRACE;

/** Takes over from the processor whether its fast strings are on; to be called before the guest starts. */
export function readMiscEnable(): void {
  shown = NO_TRACE;
  if (tryRdmsr(Msr.IA32_MISC_ENABLE, scratch)) shown |= load<u64>(scratch) & FAST_STRINGS;
}

export function miscEnable(): u64 { return shown; }

/** False if the processor would raise #GP(0). */
export function writeMiscEnable(value: u64): bool {
  if (value & ~(KEPT | NO_TRACE)) return false;
  shown = value | NO_TRACE;
  return true;
}

/** Where they are off, guests must see neither ERMS nor FSRM: Linux does not cope with half of it. */
export function hasFastStrings(): bool { return (shown & FAST_STRINGS) != 0; }
