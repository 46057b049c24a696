// High Precision Event Timer (IA-PC HPET 1.0a, section 2.3), used as a free-running counter only.

import { load32, store32 } from "../kernel/memory/physical";
import { hpetAddress } from "./acpi/hpet";

const enum Register {
  Capabilities = 0x00,
  Period = 0x04, // femtoseconds of one count
  Configuration = 0x10,
  Counter = 0xf0, // low half
}

const ENABLE: u32 = 1; // ENABLE_CNF
const LEGACY_ROUTES: u32 = 1 << 1; // LEG_RT_CNF
/** The period must not be longer than 100 ns, 2.3.4. */
const MAXIMUM_PERIOD: u32 = 100_000_000;

let base: u64 = 0;

/** Starts the counter; false if there is no HPET or it does not answer. */
export function start(): bool {
  base = hpetAddress();
  if (base == 0) return false;
  const femtoseconds = load32(base + Register.Period);
  if (femtoseconds == 0 || femtoseconds > MAXIMUM_PERIOD) return false;
  const configuration = load32(base + Register.Configuration);
  store32(base + Register.Configuration, (configuration | ENABLE) & ~LEGACY_ROUTES);
  return true;
}

/** Length of one count in femtoseconds. */
export function period(): u64 {
  return load32(base + Register.Period);
}

/** The low 32 bits of the counter, which both 32-bit and 64-bit HPETs have. */
export function counter(): u64 {
  return load32(base + Register.Counter);
}

export function counterMask(): u64 {
  return 0xffffffff;
}
