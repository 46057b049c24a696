// The end of the system: a numbered reason on every console, then this core stops.

import { flush } from "../console/console";
import { print, printDecimal, printDirectly, printHex, printLine } from "../console/print";
import { isAttached } from "../console/rings";
import { coreId, halt } from "./stub";
import { Text, printText } from "./symbols";

/** Numbers are never reused: users report them. Texts: kernel/texts.json. */
export const enum FatalReason {
  Trap = 1,
  BootInformation = 2,
  NoMemory = 3,
  OutOfFrames = 4,
  PageTables = 5,
  AcpiTables = 6,
  TscCalibration = 7,
  ProcessorUnsuitable = 8,
  PolicyMissing = 9,
  PolicyInvalid = 10,
  CoreNotStarted = 11,
  SealEpt = 12,
  SealPageTables = 13,
  VmxOn = 14,
  VmcsLoad = 15,
  VmEntry = 17,
  EptTables = 19,
  InterruptRoute = 20,
  MachineCheck = 21,
  PciScan = 22,
  DmarTable = 23,
  DevicesRefused = 24,
  RemappingTables = 25,
  SealRemapping = 26,
  RemappingStart = 27,
  SealPlan = 28,
}

/** Opens the report: core, number and text of the reason. More lines may follow with print(); then stop(). */
export function reportFatal(reason: FatalReason): void {
  printDirectly();
  print("fatal ");
  printDecimal(reason);
  print(" on core ");
  printDecimal(coreId());
  print(": ");
  printText(Text.FatalReason, reason);
  printLine();
}

/** Stops this core for good. */
export function stop(): void {
  if (!isAttached()) flush();
  halt();
}

/** Reports the reason and stops. */
export function fatal(reason: FatalReason): void {
  reportFatal(reason);
  stop();
}

/** Reports the reason with a status, an address or another number that says more, and stops. */
export function fatalWith(reason: FatalReason, what: string, value: u64): void {
  reportFatal(reason);
  print("  ");
  print(what);
  print(" ");
  printHex(value, 16);
  printLine();
  stop();
}
