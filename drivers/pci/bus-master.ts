// The way of a function's transactions through the bridges above it.

import { setCommand } from "./command";
import { Command } from "./registers";
import { functionAt, NO_FUNCTION } from "./table";

/** Lets the bridges above a function pass its transactions up and accesses to its memory down. */
export function openPath(index: u32): void {
  for (let bridge = functionAt(index).parent; bridge != NO_FUNCTION; bridge = functionAt(bridge).parent) {
    setCommand(functionAt(bridge).page, Command.BusMaster | Command.MemorySpace, true);
  }
}
