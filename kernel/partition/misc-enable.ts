// IA32_MISC_ENABLE as guests see it, SDM 4 table 2-2.

import { Msr } from "../cpu/msr-index";
import { tryRdmsr } from "../cpu/processor";

const FAST_STRINGS: u64 = 1 << 0;
/** Branch trace store and PEBS are unavailable. */
const NO_TRACE: u64 = (1 << 11) | (1 << 12);

const scratch = memory.data(8, 8);
let shown: u64 = NO_TRACE;

/** Takes over from the processor whether its fast strings are on; to be called before the guest starts. */
export function readMiscEnable(): void {
  shown = NO_TRACE;
  if (tryRdmsr(Msr.IA32_MISC_ENABLE, scratch)) shown |= load<u64>(scratch) & FAST_STRINGS;
}

export function miscEnable(): u64 { return shown; }
/** Where they are off, guests must see neither ERMS nor FSRM: Linux does not cope with half of it. */
export function hasFastStrings(): bool { return (shown & FAST_STRINGS) != 0; }
