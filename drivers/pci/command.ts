// The command register of one function, PCI 3.0 6.2.2.

import { pageChange16 } from "./config-page";
import { Command, Header } from "./registers";

/** Sets or clears the bits `command` (a mask of Command) of the function at `page`. */
export function setCommand(page: u64, command: u32, on: bool): void {
  pageChange16(page, Header.Command, command, on ? command : 0);
}

/** Sets or clears its right to start transactions: DMA and messages. */
export function setBusMasterAt(page: u64, on: bool): void {
  setCommand(page, Command.BusMaster, on);
}
