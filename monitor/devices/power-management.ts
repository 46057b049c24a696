// ACPI PM1a event and control registers and the PM timer (ACPI specification 4.8.3), 0x600-0x60b.

import { now } from "../imports";
import { GSI_SCI, PartitionRequest, PORT_PM1A_EVENT, SLEEP_TYPE_S5 } from "../interface";
import { ticksAt, tscOfTick } from "./clock";
import { NEVER, powerDeadline, setPowerDeadline } from "./deadlines";
import { setInterruptLine } from "./interrupt-lines";
import { requestPartition } from "./partition-request";

export const PM_TIMER_FREQUENCY: u64 = 3579545; // Hz
/** Bits of the PM timer: the FADT has TMR_VAL_EXT clear. */
const TIMER_BITS: u32 = 24;
/** log2 of the ticks between two changes of its highest bit, each of which is an event. */
const CARRY_SHIFT: u64 = TIMER_BITS - 1;

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

/** PM1_STS and PM1_EN (ACPI 5.0 4.8.3.1); nothing in the platform sets the status of the other events. */
const enum Event {
  Timer = 1 << 0, // TMR_STS, TMR_EN
  Writable = 0x0721, // TMR, GBL, PWRBTN, SLPBTN, RTC
  StatusMask = 0xffff,
  EnableShift = 16,
}

let status: u32 = 0; // PM1_STS
let enable: u32 = 0; // PM1_EN
let control: u32 = Control.SciEnable;
/** Changes of the timer's highest bit since start() that status has. */
let carries: u64 = 0;

export function resetPowerManagement(): void {
  status = 0;
  enable = 0;
  control = Control.SciEnable;
  carries = 0;
  setInterruptLine(GSI_SCI, false);
  setPowerDeadline(NEVER);
}

/** Notes what has happened, drives the SCI, a level, and waits for the next event that is enabled and not yet set. */
function settle(time: u64): void {
  const changes = ticksAt(time, PM_TIMER_FREQUENCY) >> CARRY_SHIFT;
  if (changes != carries) status |= Event.Timer;
  carries = changes;
  setInterruptLine(GSI_SCI, (status & enable) != 0);
  const isAwaited = (enable & ~status & Event.Timer) != 0;
  setPowerDeadline(isAwaited ? tscOfTick((changes + 1) << CARRY_SHIFT, PM_TIMER_FREQUENCY) : NEVER);
}

export function runPowerManagement(time: u64): void {
  if (time >= powerDeadline()) settle(time);
}

function readEvents(): u32 {
  settle(now());
  return status | (enable << Event.EnableShift);
}

/** Status bits that are written with ones are cleared. */
function writeEvents(mask: u32, value: u32): void {
  settle(now());
  status &= ~(value & mask & Event.StatusMask);
  const merged = (enable & ~(mask >> Event.EnableShift)) | ((value & mask) >> Event.EnableShift);
  enable = merged & Event.Writable;
  settle(now());
}

function readRegister(register: u32): u32 {
  switch (register) {
    case Register.Event: return readEvents();
    case Register.Control: return control;
    default: return <u32>ticksAt(now(), PM_TIMER_FREQUENCY) & ((1 << TIMER_BITS) - 1);
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
  if (register == Register.Event) writeEvents(mask, value << shift);
  else if (register == Register.Control) writeControl((control & ~mask) | ((value << shift) & mask));
}
