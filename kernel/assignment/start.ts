// Core 0: devices of the policy, from their names to units that translate.

import { identifier } from "../../drivers/local-apic";
import { interruptRemappingAllowed } from "../../drivers/acpi/dmar/parse";
import { openPath } from "../../drivers/pci/bus-master";
import { functionAt } from "../../drivers/pci/functions";
import { resetMethod, resetMethodText } from "../../drivers/pci/reset";
import { HostVector } from "../../drivers/vectors";
import { FatalReason, fatal, reportFatal, stop } from "../boot/fatal";
import { print, printDecimal, printLine } from "../console/print";
import { HIGH_MEMORY_BASE, LOW_MEMORY_LIMIT } from "../../monitor/interface";
import { printPartitionName } from "../partition/current";
import { deviceCount, devicePartition, partitionCount, partitionMemory, usesScalableRemapping } from "../policy/reader";
import { startFaultEvents } from "../vtd/fault";
import { checkUnits } from "../vtd/requirement";
import { unitOf } from "../vtd/scope";
import { SetupStatus, chooseMode, prepareUnits, setupStatusText, startTranslation } from "../vtd/setup";
import { printIdentity, printSource } from "../vtd/source-name";
import { unitAt, unitCount } from "../vtd/unit";
import { buildDomains } from "./domains";
import { describeFunctions } from "./functions";
import { checkGroups, printGroups } from "./groups";
import { buildInterruptEntries } from "./interrupts";
import { matchDevices, matchOf } from "./match";
import { refusalCount } from "./refusal";
import { sealRemapping } from "./seal";
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
  chooseMode(usesScalableRemapping());
  const missing = checkMachine();
  remaps = missing == 0 && unitCount() != 0;
  if (deviceCount() == 0) {
    if (missing != 0) printLineOf("vtd: stays off: no device is given away, and none may start DMA");
    return 0;
  }
  requireTree();
  matchDevices();
  checkGroups();
  if (unitCount() != 0) describeFunctions();
  if (refusalCount() != 0) fatal(FatalReason.DevicesRefused);
  for (let device: u32 = 0; device < deviceCount(); device++) printAssignment(device);
  return missing;
}

function printLineOf(text: string): void {
  print(text);
  printLine();
}

function checkMachine(): u32 {
  if (unitCount() == 0) {
    if (deviceCount() != 0) printLineOf("missing: DMAR table (VT-d 8.1): VT-d, without which no device is given away; switch it on in the firmware's set-up");
    return deviceCount() != 0 ? 1 : 0;
  }
  let missing = checkUnits(partitionCount(), topAddress(), usesScalableRemapping());
  if (!interruptRemappingAllowed()) {
    missing++;
    printLineOf("missing: DMAR flag INTR_REMAP (VT-d 8.1): interrupt remapping, which the firmware forbids");
  }
  return missing;
}

/** First device address after the memory of the largest partition. */
function topAddress(): u64 {
  let top: u64 = 0;
  for (let partition: u32 = 0; partition < partitionCount(); partition++) {
    const size = partitionMemory(partition);
    top = max(top, size <= LOW_MEMORY_LIMIT ? size : HIGH_MEMORY_BASE + size - LOW_MEMORY_LIMIT);
  }
  return top;
}

function printAssignment(device: u32): void {
  const found = functionAt(matchOf(device));
  const group = functionAt(found.group);
  print("vtd: ");
  printSource(found.segment, found.sourceId);
  print(" ");
  printIdentity(found.vendor);
  print(" belongs to ");
  printPartitionName(devicePartition(device));
  print(": unit ");
  printDecimal(unitOf(found.segment, found.sourceId));
  print(", group of ");
  printSource(group.segment, group.sourceId);
  print(", reset: ");
  print(resetMethodText(resetMethod(matchOf(device))));
  printLine();
}

/** Builds all tables; nothing is on yet. */
export function buildRemapping(): void {
  if (!remaps) return;
  const status = prepareUnits();
  if (status != SetupStatus.Done) fatal(FatalReason.OutOfFrames);
  buildDomains();
  buildInterruptEntries();
}

/** Checks all tables with the independent walkers, then lets the units go by them. */
export function sealAndStartRemapping(): void {
  if (!remaps) return;
  sealRemapping();
  for (let i: u32 = 0; i < unitCount(); i++) start(i);
  for (let device: u32 = 0; device < deviceCount(); device++) openPath(matchOf(device));
  print("vtd: translation and interrupt remapping on, every table matches the policy");
  printLine();
}

function start(index: u32): void {
  const status = startTranslation(unitAt(index));
  if (status != SetupStatus.Done) {
    reportFatal(FatalReason.RemappingStart);
    print("  vtd unit ");
    printDecimal(index);
    print(": ");
    print(setupStatusText(status));
    printLine();
    stop();
  }
  startFaultEvents(unitAt(index), identifier(), HostVector.RemappingFault);
}
