// Conformance partition: does on a virtual processor what tests of real ones do, and prints one line a check:
//
//   check NAME: ok
//   check NAME: failed, d instead of 0        hexadecimal: what was found, what was expected
//
// It needs a local APIC. Without Bulkhead, alone in an emulator, the same checks judge the emulator's processor.

import { printLine, print } from "../runtime/console";
import { checkControlRegisters } from "./control-registers";
import { checkCpuid } from "./cpuid";
import { checkDebug } from "./debug";
import { checkEvents } from "./events";
import { checkExtendedState } from "./extended-state";
import { checkInstructions } from "./instructions";
import { checkMemoryTypes } from "./memory-types";
import { checkMsrs } from "./msrs";
import { checkTime } from "./time";

export function main(): void {
  checkCpuid();
  checkMsrs();
  checkMemoryTypes();
  checkControlRegisters();
  checkExtendedState();
  checkInstructions();
  checkDebug();
  checkTime();
  checkEvents();
  print("conformance: done");
  printLine();
}
