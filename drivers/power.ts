// Switching the machine off: ACPI S5, and what the emulators offer instead.

import { pause } from "../kernel/cpu/processor";
import { load16 } from "../kernel/memory/physical";
import { in16, in8, out8, out16, out32 } from "./port";

/** PM1 control register, ACPI 6.4 section 4.8.3.2.1. */
const SCI_ENABLE: u16 = 1 << 0;
const SLEEP_TYPE_FIELD: u16 = 7 << 10;
const SLEEP_ENABLE: u16 = 1 << 13;

/** Debug console of Bochs and QEMU, which reads back its port number. */
const DEBUG_CONSOLE: u16 = 0xe9;
/** Writing "Shutdown" here ends Bochs. */
const BOCHS_SHUTDOWN: u16 = 0x8900;
/** QEMU's isa-debug-exit; the value v gives the exit status v * 2 + 1. */
const QEMU_DEBUG_EXIT: u16 = 0xf4;
const QEMU_EXIT_VALUE: u32 = 0x10;

/** Looks at PM1 control, or pauses, before the change to ACPI mode or to S5 counts as failed. */
const WAIT_LOOKS: u32 = 1_000_000;

/** What firmware says, u16 each; all 0 where it does not. */
export const enum PowerOffRecord {
  Pm1aControl = 0x0, // ports of PM1a_CNT and PM1b_CNT, 0 if there is none
  Pm1bControl = 0x2,
  SmiCommand = 0x4, // port that takes EnableValue
  EnableValue = 0x6,
  SleepTypeA = 0x8, // as it stands in PM1a_CNT and PM1b_CNT
  SleepTypeB = 0xa,
}

/** True in Bochs and QEMU. */
export function hasDebugConsole(): bool { return in8(DEBUG_CONSOLE) == DEBUG_CONSOLE; }

/** Tries each way in turn, ACPI's by the record at a physical address; comes back if none worked, and the caller then halts. */
export function powerOffMachine(record: u64): void {
  const control = load16(record + PowerOffRecord.Pm1aControl);
  if (control != 0 && enterAcpiMode(record, control)) enterS5(record, control);
  // A port that nobody answers must not be written on a real machine: only an emulator has the debug console.
  if (!hasDebugConsole()) return;
  writeShutdown();
  out32(QEMU_DEBUG_EXIT, QEMU_EXIT_VALUE);
}

/** Firmware hands the power registers over when asked through the SMI command port, ACPI 6.4 section 4.8.3.2. */
function enterAcpiMode(record: u64, control: u16): bool {
  const smiCommand = load16(record + PowerOffRecord.SmiCommand);
  const enableValue = load16(record + PowerOffRecord.EnableValue);
  if (smiCommand == 0 || enableValue == 0) return true;
  if (in16(control) & SCI_ENABLE) return true;
  out8(smiCommand, <u8>enableValue);
  for (let looks: u32 = 0; looks < WAIT_LOOKS; looks++) {
    if (in16(control) & SCI_ENABLE) return true;
    pause();
  }
  return false;
}

function enterS5(record: u64, control: u16): void {
  const kept = in16(control) & ~(SLEEP_TYPE_FIELD | SLEEP_ENABLE);
  const pm1bControl = load16(record + PowerOffRecord.Pm1bControl);
  out16(control, kept | load16(record + PowerOffRecord.SleepTypeA) | SLEEP_ENABLE);
  if (pm1bControl != 0) out16(pm1bControl, kept | load16(record + PowerOffRecord.SleepTypeB) | SLEEP_ENABLE);
  for (let looks: u32 = 0; looks < WAIT_LOOKS; looks++) pause();
}

function writeShutdown(): void {
  const text = "Shutdown";
  for (let i = 0; i < text.length; i++) out8(BOCHS_SHUTDOWN, <u8>text.charCodeAt(i));
}
