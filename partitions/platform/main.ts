// Platform partition: drives the virtual interrupt controllers, timers, clock, UART and power management as a guest's drivers do, one line a check.

import { print, printLine } from "../runtime/console";
import { startClock } from "../runtime/clock";
import { checkClock } from "./clock";
import { checkExternal } from "./external";
import { checkIoApic } from "./io-apic";
import { checkLocalApic } from "./local-apic";
import { checkLocalTimer } from "./local-timer";
import { checkModes } from "./modes";
import { useXapic } from "./page";
import { maskPic, startPic } from "./pic";
import { checkPit } from "./pit";
import { checkPower } from "./power";
import { checkUart } from "./uart";

export function main(): void {
  startClock(); // for the frequency; it takes the best APIC mode
  useXapic();
  startPic();
  checkPit();
  checkClock();
  maskPic();
  checkExternal();
  checkIoApic();
  checkPower();
  checkUart();
  checkLocalApic();
  checkLocalTimer();
  checkModes();
  print("platform: over");
  printLine();
}
