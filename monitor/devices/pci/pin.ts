// INTA of the virtual disk (PCI 3.0 2.2.6, 6.2.3), the only function with an interrupt pin: a level, wired to GSI_DISK whatever the routes of
// a PIRQ register say, as firmware for QEMU's "pc" routes the pin of device 2.

import { GSI_DISK } from "../../interface";
import { setInterruptLine } from "../interrupt-lines";
import { configValue, deviceOf, setConfigValue } from "./config-space";
import { DISK_FUNCTION } from "./function-record";
import { Command, Header } from "./register";

/** Interrupt Pin, in bits 15:8 of its register. */
export const INTERRUPT_PIN_A: u32 = 1 << 8;

/** The function asks for service, or no longer does: Interrupt Status tells so even while the pin is disabled. */
export function setDiskPin(isRequested: bool): void {
  const device = deviceOf(DISK_FUNCTION);
  const command = configValue(device, Header.Command) & ~<u32>Command.InterruptStatus;
  setConfigValue(device, Header.Command, isRequested ? command | Command.InterruptStatus : command);
  driveDiskPin();
}

/** Also to be called when the guest has written Interrupt Disable. */
export function driveDiskPin(): void {
  const command = configValue(deviceOf(DISK_FUNCTION), Header.Command);
  setInterruptLine(GSI_DISK, (command & (Command.InterruptStatus | Command.InterruptDisable)) == Command.InterruptStatus);
}
