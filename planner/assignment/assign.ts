// Core 0: devices of the policy, from their names to tables of the units.

import { functionAt } from "../drivers/pci/functions";
import { resetMethod } from "../drivers/pci/reset";
import { FatalReason, fatal } from "../../kernel/boot/fatal";
import { Text, printText } from "../../kernel/boot/symbols";
import { print, printLine, sourceName } from "../../kernel/console/print";
import { deviceCount, devicePartition, partitionName, usesScalableRemapping } from "../../kernel/policy/reader";
import { unitOf } from "../vtd/scope";
import { chooseMode, prepareUnits } from "../vtd/setup";
import { unitCount } from "../../kernel/vtd/unit";
import { buildDomains } from "./domains";
import { describeFunctions } from "./functions";
import { checkGroups, printGroups } from "./groups";
import { planRemapping } from "./hand-over";
import { buildInterruptEntries } from "./interrupts";
import { matchDevices, matchOf } from "./match";
import { refusalCount } from "./refusal";
import { allUnitsAnswer, checkRequirements } from "./requirements";
import { printFunctions, requireTree } from "./survey";

/** False: the units stay as firmware left them, and no device is given away. */
let remaps: bool = false;

/**
 * Finds and checks what the policy gives away. Returns the number of requirements that the machine does not meet, each of
 * which was printed; devices that cannot be given away end the boot.
 */
export function assignDevices(): u32 {
  if (unitCount() != 0 || deviceCount() != 0) {
    printFunctions();
    printGroups();
  }
  if (deviceCount() == 0) {
    chooseMode(false);
    remaps = unitCount() != 0 && allUnitsAnswer();
    return 0;
  }
  chooseMode(usesScalableRemapping());
  const missing = checkRequirements();
  remaps = missing == 0;
  requireTree();
  matchDevices();
  checkGroups();
  if (unitCount() != 0) describeFunctions();
  if (refusalCount() != 0) fatal(FatalReason.DevicesRefused);
  for (let device: u32 = 0; device < deviceCount(); device++) printAssignment(device);
  return missing;
}

function printAssignment(device: u32): void {
  const found = functionAt(matchOf(device));
  const group = functionAt(found.group);
  print("vtd: %s %4h:%4h belongs to %n", sourceName(found.segment, found.sourceId), found.vendor, found.vendor >> 16, partitionName(devicePartition(device)));
  print(": unit %d, group of %s, reset: ", unitOf(found.segment, found.sourceId), sourceName(group.segment, group.sourceId));
  printText(Text.ResetMethod, resetMethod(matchOf(device)));
  printLine();
}

/** Builds all tables; nothing is on yet. */
export function buildRemapping(): void {
  if (!remaps) return;
  if (!prepareUnits()) fatal(FatalReason.OutOfFrames);
  buildDomains();
  buildInterruptEntries();
  planRemapping();
}
