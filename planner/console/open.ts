// Opening the consoles of the machine.

import { open } from "../../kernel/console/console";
import { findScreen } from "./find-screen";

/** Opens those of `wanted` that are present and returns them. */
export function openConsoles(wanted: u32): u32 {
  findScreen();
  return open(wanted);
}
