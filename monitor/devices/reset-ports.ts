// Ports by which software resets a PC: reset control 0xcf9, system control A 0x92 and the keyboard controller.

import { PartitionRequest } from "../interface";
import { requestPartition } from "./partition-request";

export const enum ResetPort {
  KeyboardData = 0x60,
  KeyboardCommand = 0x64,
  SystemControlA = 0x92,
  ResetControl = 0xcf9,
}

const RESET_CPU: u32 = 1 << 2; // RST_CPU of 0xcf9: its rising edge resets
const RESET_CONTROL_WRITABLE: u32 = 0x0e;
const FAST_RESET: u32 = 1 << 0; // 0x92
const FAST_A20: u32 = 1 << 1; // 0x92

/** Commands FEh and F0h-FFh with bit 0 clear pulse the reset line of the 8042. */
const PULSE_OUTPUT: u32 = 0xf0;

/** No keyboard controller: the output buffer never empties, so that a probe gives up, and the input buffer is never full. */
const KEYBOARD_STATUS: u32 = 1 << 0;
const KEYBOARD_NO_DATA: u32 = 0xff;

let resetControl: u32 = 0;
let systemControlA: u32 = FAST_A20;

export function resetResetPorts(): void {
  resetControl = 0;
  systemControlA = FAST_A20;
}

function reset(): void {
  requestPartition(PartitionRequest.Reset);
}

export function readResetPort(port: u32): u32 {
  switch (port) {
    case ResetPort.KeyboardCommand: return KEYBOARD_STATUS;
    case ResetPort.SystemControlA: return systemControlA;
    case ResetPort.ResetControl: return resetControl;
    default: return KEYBOARD_NO_DATA;
  }
}

export function writeResetPort(port: u32, value: u32): void {
  switch (port) {
    case ResetPort.KeyboardCommand:
      if (value >= PULSE_OUTPUT && (value & 1) == 0) reset();
      return;
    case ResetPort.SystemControlA:
      systemControlA = value & FAST_A20;
      if ((value & FAST_RESET) != 0) reset();
      return;
    case ResetPort.ResetControl: {
      const rises = value & ~resetControl & RESET_CPU;
      resetControl = value & RESET_CONTROL_WRITABLE;
      if (rises != 0) reset();
      return;
    }
  }
}
