// Opening the consoles of the machine.

import * as debugConsole from "../../drivers/debug-console";
import { initialise as initialiseUart } from "../drivers/uart16550-setup";
import { ConsoleDevice, useConsoles } from "../../kernel/console/devices";
import { findScreen } from "./find-screen";
import { openScreen } from "../../kernel/console/screen";

/** Opens those of `wanted` that are present and returns them. */
export function openConsoles(wanted: u32): u32 {
  let opened: u32 = ConsoleDevice.None;
  findScreen();
  if (wanted & ConsoleDevice.DebugConsole && debugConsole.isPresent()) opened |= ConsoleDevice.DebugConsole;
  if (wanted & ConsoleDevice.Com1 && initialiseUart()) opened |= ConsoleDevice.Com1;
  if (wanted & ConsoleDevice.Screen && openScreen()) opened |= ConsoleDevice.Screen;
  useConsoles(opened);
  return opened;
}
