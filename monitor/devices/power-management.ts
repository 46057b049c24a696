// ACPI PM1a event and control registers and the PM timer (ACPI specification 4.8.3), 0x600-0x60b.

import { now } from "../imports";
import { PartitionRequest, PORT_PM1A_EVENT, SLEEP_TYPE_S5 } from "../interface";
import { ticksAt } from "./clock";
import { requestPartition } from "./partition-request";

export const PM_TIMER_FREQUENCY: u64 = 3579545; // Hz

/** Offsets from PORT_PM1A_EVENT. */
const enum Register {
  Event = 0, // PM1_STS, then PM1_EN in the high half
  Control = 4, // PM1_CNT
  Timer = 8, // PM_TMR
}

const enum Control {
  SciEnable = 1 << 0, // always on: the FADT names no SMI command
  SleepTypeShift = 10,
  SleepTypeMask = 7,
  SleepEnable = 1 << 13, // reads 0
  Writable = 0x1c06, // BM_RLD, GBL_RLS and SLP_TYP
}

const EVENT_WRITABLE: u32 = 0x0721; // TMR, GBL, PWRBTN, SLPBTN, RTC

let enable: u32 = 0; // PM1_EN
let control: u32 = Control.SciEnable;

export function resetPowerManagement(): void {
  enable = 0;
  control = Control.SciEnable;
}

/** Nothing in the platform sets an event, so that PM1_STS reads 0. */
function readRegister(register: u32): u32 {
  switch (register) {
    case Register.Event: return enable << 16;
    case Register.Control: return control;
    default: return <u32>ticksAt(now(), PM_TIMER_FREQUENCY);
  }
}

/** Reads at `port`, 0x600-0x60b; an access does not cross a 32-bit boundary. */
export function readPowerManagement(port: u32): u32 {
  const offset = port - PORT_PM1A_EVENT;
  return readRegister(offset & 0xc) >> ((offset & 3) << 3);
}

function writeControl(value: u32): void {
  control = (value & Control.Writable) | Control.SciEnable;
  if ((value & Control.SleepEnable) == 0) return;
  if (((value >> Control.SleepTypeShift) & Control.SleepTypeMask) == SLEEP_TYPE_S5) requestPartition(PartitionRequest.PowerOff);
}

/** Writes `size` bytes at `port`; bytes of a register that are not written keep their value. */
export function writePowerManagement(port: u32, size: u32, value: u32): void {
  const offset = port - PORT_PM1A_EVENT;
  const shift = (offset & 3) << 3;
  const mask = (size == 4 ? 0xffffffff : ((<u32>1) << (size << 3)) - 1) << shift;
  const register = offset & 0xc;
  const merged = (readRegister(register) & ~mask) | ((value << shift) & mask);
  if (register == Register.Event) enable = (merged >> 16) & EVENT_WRITABLE;
  else if (register == Register.Control) writeControl(merged);
}
