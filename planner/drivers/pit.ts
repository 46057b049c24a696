// Programmable interval timer (Intel 8254), channel 2 as a free-running counter; no interrupt comes of it.

import { in8, out8 } from "../../drivers/port";

export const PIT_FREQUENCY: u64 = 1_193_182; // Hz
/** The counter wraps after this value. */
export const COUNTER_MASK: u64 = 0xffff;

const CHANNEL_2: u16 = 0x42;
const COMMAND: u16 = 0x43;
const CONTROL_PORT_B: u16 = 0x61;

/** Channel 2, low byte then high byte, mode 2 (rate generator), binary. */
const COMMAND_START: u8 = 0xb4;
const COMMAND_LATCH: u8 = 0x80;

const enum ControlPortB {
  Gate2 = 1 << 0,
  Speaker = 1 << 1,
  Writable = 0x0f,
}

/** Starts the counter: it counts down from 65536 and wraps. */
export function start(): void {
  const control = in8(CONTROL_PORT_B) & <u8>ControlPortB.Writable;
  out8(CONTROL_PORT_B, (control | <u8>ControlPortB.Gate2) & ~(<u8>ControlPortB.Speaker));
  out8(COMMAND, COMMAND_START);
  out8(CHANNEL_2, 0);
  out8(CHANNEL_2, 0);
}

/** Counts since some start, upwards. */
export function counter(): u64 {
  out8(COMMAND, COMMAND_LATCH);
  const low: u32 = in8(CHANNEL_2);
  const high: u32 = in8(CHANNEL_2);
  return (0x10000 - ((high << 8) | low)) & 0xffff;
}
