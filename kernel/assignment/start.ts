// Core 0: devices of the policy, from their names to units that translate.

import { identifier } from "../../drivers/local-apic";
import { interruptRemappingAllowed } from "../../drivers/acpi/dmar/parse";
import { openPath } from "../../drivers/pci/bus-master";
import { functionAt } from "../../drivers/pci/functions";
import { resetMethod } from "../../drivers/pci/reset";
import { HostVector } from "../../drivers/vectors";
import { FatalReason, fatal, reportFatal, stop } from "../boot/fatal";
import { Text, printText } from "../boot/symbols";
import { print, printLine, printRest, sourceName } from "../console/print";
import { deviceCount, devicePartition, partitionName, usesScalableRemapping } from "../policy/reader";
import { startFaultEvents } from "../vtd/fault";
import { isAnyRemapping } from "../vtd/interrupt-sources";
import { unitOf } from "../vtd/scope";
import { startInterruptRemapping } from "../vtd/interrupt-table";
import { chooseMode, prepareUnits, startTranslation } from "../vtd/setup";
import { Unit, unitAt, unitCount } from "../vtd/unit";
import { buildDomains } from "./domains";
import { describeFunctions } from "./functions";
import { checkGroups, printGroups } from "./groups";
import { buildInterruptEntries } from "./interrupts";
import { matchDevices, matchOf } from "./match";
import { refusalCount } from "./refusal";
import { sealRemapping } from "./seal";
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
}

/** Checks all tables with the independent walkers, then lets the units go by them. */
export function sealAndStartRemapping(): void {
  if (!remaps) return;
  sealRemapping();
  for (let i: u32 = 0; i < unitCount(); i++) start(i);
  for (let device: u32 = 0; device < deviceCount(); device++) openPath(matchOf(device));
  print(isAnyRemapping() ? "vtd: translation and interrupt remapping on" : "vtd: translation on, interrupts are not remapped");
  print(", every table matches the policy\n");
}

function start(index: u32): void {
  const unit = unitAt(index);
  let failure = startTranslation(unit);
  if (failure.length == 0 && !startInterrupts(unit)) failure = "interrupt remapping not switched on in time (VT-d 11.4.4)";
  if (failure.length != 0) {
    reportFatal(FatalReason.RemappingStart);
    print("  vtd unit %d: ", index);
    printRest(failure);
    stop();
  }
  startFaultEvents(unit, identifier(), HostVector.RemappingFault);
}

/** False if the unit does not remap interrupts as told, or not at all although devices are given away. */
function startInterrupts(unit: Unit): bool {
  if (interruptRemappingAllowed() && !startInterruptRemapping(unit)) return false;
  return deviceCount() == 0 || unit.isRemapping != 0;
}
