// I/O ports that no function of a partition may have. Which ports a BAR decodes, the device and the firmware say: through one
// put over ports of the machine the partition would reach its interrupt controllers, its power or another function.

import { pm1aControlPort, pm1bControlPort, pmTimerPort } from "../drivers/acpi/fadt";
import { BarFlag, MAXIMUM_BARS, barAt, sizeBars } from "../drivers/pci/bar";
import { NO_FUNCTION, functionCount } from "../drivers/pci/functions";
import { meets } from "./machine-memory";

/** Devices of the PC lie below, PCI 3.0 3.2.2.1: interrupt controllers, timers, keyboard, serial ports, video. */
const PC_PORTS_END: u64 = 0x400;
/** CONFIG_ADDRESS to CONFIG_DATA, PCI 3.0 3.2.2.3.2, and the reset control register at 0xcf9. */
const CONFIGURATION: u64 = 0xcf8;
const CONFIGURATION_LENGTH: u64 = 8;
/** Bytes of the registers that the kernel uses, ACPI 6.4 4.8.3. */
const PM_TIMER_LENGTH: u64 = 4;
const PM1_CONTROL_LENGTH: u64 = 2;

/** Whether a port of [first, first + length) belongs to the machine itself. */
export function isMachinePort(first: u64, length: u64): bool {
  if (first < PC_PORTS_END || meets(first, first + length, CONFIGURATION, CONFIGURATION_LENGTH)) return true;
  return isBlock(first, length, pmTimerPort(), PM_TIMER_LENGTH)
    || isBlock(first, length, pm1aControlPort(), PM1_CONTROL_LENGTH)
    || isBlock(first, length, pm1bControlPort(), PM1_CONTROL_LENGTH);
}

/** `port`: 0 if the machine has no such registers. */
function isBlock(first: u64, length: u64, port: u16, blockLength: u64): bool {
  return port != 0 && meets(first, first + length, port, blockLength);
}

/**
 * Index of another function that decodes a port of BAR `bar` of function `index`, or NO_FUNCTION. Sizes the BARs of all
 * functions; the table then holds those of `index`.
 */
export function barSharesPort(index: u32, bar: u32): u32 {
  sizeBars(index);
  const first = barAt(bar).address;
  const length = barAt(bar).size;
  let sharer: u32 = NO_FUNCTION;
  for (let other: u32 = 0; other < functionCount() && sharer == NO_FUNCTION; other++) {
    if (other != index && decodesPort(other, first, length)) sharer = other;
  }
  sizeBars(index);
  return sharer;
}

function decodesPort(index: u32, first: u64, length: u64): bool {
  sizeBars(index);
  for (let bar: u32 = 0; bar < MAXIMUM_BARS; bar++) {
    const found = barAt(bar);
    if ((found.flags & BarFlag.Io) != 0 && found.address != 0 && meets(first, first + length, found.address, found.size)) return true;
  }
  return false;
}
