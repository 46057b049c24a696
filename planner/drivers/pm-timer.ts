// ACPI PM timer, ACPI 6.4 section 4.8.3.3.

import { pmTimerHas32Bits, pmTimerPort } from "./acpi/fadt";
import { in32 } from "../../drivers/port";

export const PM_TIMER_FREQUENCY: u64 = 3_579_545; // Hz

export function isPresent(): bool {
  return pmTimerPort() != 0;
}

/** The counter wraps after this value. */
export function counterMask(): u64 {
  return pmTimerHas32Bits() ? 0xffffffff : 0xffffff;
}

export function counter(): u64 {
  return <u64>in32(pmTimerPort()) & counterMask();
}
