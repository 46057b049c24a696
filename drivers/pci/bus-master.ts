// Bus mastering by index of the function table.

import { setBusMasterAt, setCommand } from "./command";
import { Command } from "./registers";
import { functionAt, NO_FUNCTION } from "./table";

/** Takes the right to start transactions away; from a bridge, also that to pass on those from below. */
export function disableBusMastering(index: u32): void {
  setBusMasterAt(functionAt(index).page, false);
}

/** Gives or takes the right to start transactions. With it, the bridges above pass them on. */
export function setBusMastering(index: u32, on: bool): void {
  if (on) openPath(index);
  setBusMasterAt(functionAt(index).page, on);
}

/** Lets the bridges above a function pass its transactions up and accesses to its memory down. */
export function openPath(index: u32): void {
  for (let bridge = functionAt(index).parent; bridge != NO_FUNCTION; bridge = functionAt(bridge).parent) {
    setCommand(functionAt(bridge).page, Command.BusMaster | Command.MemorySpace, true);
  }
}
