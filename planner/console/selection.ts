// Which consoles the command line asks for: `console=` and some of e9, com1 and fb; without the word all that are present.

import { commandLineHasKey, commandLineKeyHas } from "../boot/command-line";
import { ConsoleDevice } from "../../kernel/console/interface";

/** Mask of ConsoleDevice. */
export function selectedConsoles(): u32 {
  if (!commandLineHasKey("console=")) return ConsoleDevice.All;
  let wanted: u32 = ConsoleDevice.None;
  if (commandLineKeyHas("console=", "e9")) wanted |= ConsoleDevice.DebugConsole;
  if (commandLineKeyHas("console=", "com1")) wanted |= ConsoleDevice.Com1;
  if (commandLineKeyHas("console=", "fb")) wanted |= ConsoleDevice.Screen;
  return wanted;
}
