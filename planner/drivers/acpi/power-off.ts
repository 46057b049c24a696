// How the machine is switched off: what drivers/power.ts is to write to which ports.

import { store16 } from "../../../kernel/memory/physical";
import { PowerOffRecord, hasDebugConsole } from "../../../drivers/power";
import { acpiEnableValue, pm1aControlPort, pm1bControlPort, smiCommandPort } from "./fadt";
import { findSleepState, s5TypeA, s5TypeB } from "./sleep-state";

const SLEEP_TYPE_SHIFT: u16 = 10;

export const enum PowerOffMethod {
  None = 0,
  Acpi = 1 << 0,
  Bochs = 1 << 1,
  Qemu = 1 << 2,
}

/** Fills the zeroed record at a physical address, while the ACPI tables can be reached; a mask of PowerOffMethod. */
export function describePowerOff(record: u64): u32 {
  let methods: u32 = PowerOffMethod.None;
  if (pm1aControlPort() != 0 && findSleepState()) {
    store16(record + PowerOffRecord.Pm1aControl, pm1aControlPort());
    store16(record + PowerOffRecord.Pm1bControl, pm1bControlPort());
    store16(record + PowerOffRecord.SmiCommand, smiCommandPort());
    store16(record + PowerOffRecord.EnableValue, acpiEnableValue());
    store16(record + PowerOffRecord.SleepTypeA, <u16>s5TypeA() << SLEEP_TYPE_SHIFT);
    store16(record + PowerOffRecord.SleepTypeB, <u16>s5TypeB() << SLEEP_TYPE_SHIFT);
    methods |= PowerOffMethod.Acpi;
  }
  if (hasDebugConsole()) methods |= PowerOffMethod.Bochs | PowerOffMethod.Qemu;
  return methods;
}
