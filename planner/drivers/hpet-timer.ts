// High Precision Event Timer (IA-PC HPET 1.0a, section 2.3): the free-running counter, and where comparators send messages.

import { load32, store32 } from "../../kernel/memory/physical";
import { hpetAddress } from "./acpi/hpet";

const enum Register {
  Capabilities = 0x00,
  Period = 0x04, // femtoseconds of one count
  Configuration = 0x10,
  Counter = 0xf0, // low half
  Comparator = 0x100, // Tn_CONF_CAP of the first one, 2.3.8
}

/** Offsets from a comparator's Tn_CONF_CAP, and bytes from one comparator to the next. */
const ROUTE_DATA: u64 = 0x10; // Tn_FSB_INT_VAL
const ROUTE_ADDRESS: u64 = 0x14; // Tn_FSB_INT_ADDR
const COMPARATOR_SIZE: u64 = 0x20;

/** Tn_CONF_CAP */
const LEVEL: u32 = 1 << 1; // Tn_INT_TYPE_CNF
const INTERRUPT_ENABLE: u32 = 1 << 2; // Tn_INT_ENB_CNF
const MESSAGE_ENABLE: u32 = 1 << 14; // Tn_FSB_EN_CNF
const MESSAGE_CAPABLE: u32 = 1 << 15; // Tn_FSB_INT_DEL_CAP

const ENABLE: u32 = 1; // ENABLE_CNF
const LEGACY_ROUTES: u32 = 1 << 1; // LEG_RT_CNF
/** The period must not be longer than 100 ns, 2.3.4. */
const MAXIMUM_PERIOD: u32 = 100_000_000;
/** The counter wraps after this value. */
export const COUNTER_MASK: u64 = 0xffffffff;

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

/**
 * Lets a comparator of the HPET send its interrupt, edge triggered, as the message `data` to `address`. The comparator's own
 * interrupt enable stays off. False if there is no such comparator or it cannot send messages.
 */
export function routeComparator(comparator: u32, address: u32, data: u32): bool {
  const registers = hpetAddress();
  if (registers == 0) return false;
  // NUM_TIM_CAP, bits 12:8: number of the last comparator.
  if (comparator > ((load32(registers + Register.Capabilities) >> 8) & 0x1f)) return false;
  const control = registers + <u64>Register.Comparator + <u64>comparator * COMPARATOR_SIZE;
  const capabilities = load32(control);
  if ((capabilities & MESSAGE_CAPABLE) == 0) return false;
  const configuration = capabilities & ~(LEVEL | INTERRUPT_ENABLE | MESSAGE_ENABLE);
  store32(control, configuration);
  store32(control + ROUTE_DATA, data);
  store32(control + ROUTE_ADDRESS, address);
  store32(control, configuration | MESSAGE_ENABLE);
  return true;
}
