// Switching the machine off: ACPI S5, and what the emulators offer instead.

import { pause } from "../kernel/cpu/processor";
import { acpiEnableValue, pm1aControlPort, pm1bControlPort, smiCommandPort } from "./acpi/fadt";
import { findSleepState, s5TypeA, s5TypeB } from "./acpi/sleep-state";
import * as debugConsole from "./debug-console";
import { in16, out8, out16, out32 } from "./port";

/** PM1 control register, ACPI 6.4 section 4.8.3.2.1. */
const SCI_ENABLE: u16 = 1 << 0;
const SLEEP_TYPE_SHIFT: u16 = 10;
const SLEEP_TYPE_FIELD: u16 = 7 << 10;
const SLEEP_ENABLE: u16 = 1 << 13;

/** Writing "Shutdown" here ends Bochs. */
const BOCHS_SHUTDOWN: u16 = 0x8900;
/** QEMU's isa-debug-exit; the value v gives the exit status v * 2 + 1. */
const QEMU_DEBUG_EXIT: u16 = 0xf4;
const QEMU_EXIT_VALUE: u32 = 0x10;

/** Looks at PM1 control, or pauses, before the change to ACPI mode or to S5 counts as failed. */
const WAIT_LOOKS: u32 = 1_000_000;

export const enum PowerOffMethod {
  None = 0,
  Acpi = 1 << 0,
  Bochs = 1 << 1,
  Qemu = 1 << 2,
}

/** PM1a_CNT and PM1b_CNT, 0 if there is none; kept, because the ACPI tables are not mapped after the seal. */
let pm1aControl: u16 = 0;
let pm1bControl: u16 = 0;
let smiCommand: u16 = 0;
let enableValue: u8 = 0;
let sleepTypeA: u16 = 0;
let sleepTypeB: u16 = 0;

/** Finds out how the machine is switched off, while the ACPI tables can be reached; a mask of PowerOffMethod. */
export function preparePowerOff(): u32 {
  let methods: u32 = PowerOffMethod.None;
  if (pm1aControlPort() != 0 && findSleepState()) {
    pm1aControl = pm1aControlPort();
    pm1bControl = pm1bControlPort();
    smiCommand = smiCommandPort();
    enableValue = acpiEnableValue();
    sleepTypeA = <u16>s5TypeA() << SLEEP_TYPE_SHIFT;
    sleepTypeB = <u16>s5TypeB() << SLEEP_TYPE_SHIFT;
    methods |= PowerOffMethod.Acpi;
  }
  if (debugConsole.isPresent()) methods |= PowerOffMethod.Bochs | PowerOffMethod.Qemu;
  return methods;
}

/** Tries each way in turn; comes back if none worked, and the caller then halts. */
export function powerOffMachine(): void {
  if (pm1aControl != 0 && enterAcpiMode()) enterS5();
  // A port that nobody answers must not be written on a real machine: only an emulator has the debug console.
  if (!debugConsole.isPresent()) return;
  writeShutdown();
  out32(QEMU_DEBUG_EXIT, QEMU_EXIT_VALUE);
}

/** Firmware hands the power registers over when asked through the SMI command port, ACPI 6.4 section 4.8.3.2. */
function enterAcpiMode(): bool {
  if (smiCommand == 0 || enableValue == 0) return true;
  if (in16(pm1aControl) & SCI_ENABLE) return true;
  out8(smiCommand, enableValue);
  for (let looks: u32 = 0; looks < WAIT_LOOKS; looks++) {
    if (in16(pm1aControl) & SCI_ENABLE) return true;
    pause();
  }
  return false;
}

function enterS5(): void {
  const kept = in16(pm1aControl) & ~(SLEEP_TYPE_FIELD | SLEEP_ENABLE);
  out16(pm1aControl, kept | sleepTypeA | SLEEP_ENABLE);
  if (pm1bControl != 0) out16(pm1bControl, kept | sleepTypeB | SLEEP_ENABLE);
  for (let looks: u32 = 0; looks < WAIT_LOOKS; looks++) pause();
}

function writeShutdown(): void {
  const text = "Shutdown";
  for (let i = 0; i < text.length; i++) out8(BOCHS_SHUTDOWN, <u8>text.charCodeAt(i));
}
