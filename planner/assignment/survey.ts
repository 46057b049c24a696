// Core 0, early: which PCI functions and which VT-d units the machine has. Bus mastering is off for every function from
// here on; the cores of their partitions give it back to those that are assigned.

import { dmarFailure, dmarFailureOffset, hasDmar, hostAddressWidth, parseDmar } from "../drivers/acpi/dmar/parse";
import { reservedMemoryBase, reservedMemoryCount, reservedMemoryLimit, unitRegisters } from "../drivers/acpi/dmar/records";
import { parseMcfg } from "../drivers/acpi/mcfg";
import { wrongBridge } from "../drivers/pci/bridges";
import { ScanStatus, functionAt, functionCount, isBridge, scanFunctions } from "../drivers/pci/functions";
import { groupFunctions } from "../drivers/pci/groups";
import { quiesceFunctions } from "../drivers/pci/quiesce-all";
import { FatalReason, fatal, fatalWith, reportFatal, stop } from "../../kernel/boot/fatal";
import { print, printRest, sourceName } from "../../kernel/console/print";
import { reserveMemory } from "../memory/frames";
import { reservedMemoryIsFor } from "../vtd/scope";
import { takeUnits } from "../vtd/setup";
import { printUnits } from "../vtd/unit-report";
import { unitCount } from "../../kernel/vtd/unit";

/** Every bridge leads to buses of its own. */
let isTree: bool = true;

export function surveyDevices(): void {
  surveyFunctions();
  surveyUnits();
}

function surveyFunctions(): void {
  const configuration = parseMcfg();
  if (configuration.length != 0) {
    print("pci: MCFG table not used: ");
    printRest(configuration);
  }
  const status = scanFunctions();
  if (status == ScanStatus.TooManyFunctions) fatal(FatalReason.PciScan);
  isTree = status == ScanStatus.Done;
  quiesceFunctions();
  groupFunctions();
  print(functionCount() == 1 ? "pci: %d function, none may start DMA\n" : "pci: %d functions, none may start DMA\n", functionCount());
}

/** Stops the boot if bridges lead in circles: then nobody knows which devices can reach each other. */
export function requireTree(): void {
  if (isTree) return;
  const bridge = functionAt(wrongBridge());
  reportFatal(FatalReason.PciScan);
  print("  bus numbers of a bridge lead back or overlap: %s\n", sourceName(bridge.segment, bridge.sourceId));
  stop();
}

function surveyUnits(): void {
  if (!hasDmar()) return print("vtd: no DMAR table, so no device can be given away\n");
  if (!parseDmar()) refuseTable();
  if (!takeUnits()) fatalWith(FatalReason.RemappingStart, "register address", unitRegisters(unitCount()));
  print(unitCount() == 1 ? "vtd: %d unit, %d-bit host addresses\n" : "vtd: %d units, %d-bit host addresses\n", unitCount(), hostAddressWidth());
  printUnits();
  for (let index: u32 = 0; index < reservedMemoryCount(); index++) {
    // Firmware has been seen to list it as free.
    reserveMemory(reservedMemoryBase(index), reservedMemoryLimit(index) + 1);
    printReservedMemory(index);
  }
}

/** Memory that firmware and a device share (RMRR); closed to the device unless the policy says otherwise. */
function printReservedMemory(index: u32): void {
  print("vtd: reserved memory %12x to %12x for", reservedMemoryBase(index), reservedMemoryLimit(index));
  for (let i: u32 = 0; i < functionCount(); i++) {
    const found = functionAt(i);
    if (reservedMemoryIsFor(index, found.segment, found.sourceId)) print(" %s", sourceName(found.segment, found.sourceId));
  }
  print("\n");
}

function refuseTable(): void {
  reportFatal(FatalReason.DmarTable);
  print("  offset %4x: ", dmarFailureOffset());
  printRest(dmarFailure());
  stop();
}

/** One line a function that is no bridge: what a policy may name. */
export function printFunctions(): void {
  for (let index: u32 = 0; index < functionCount(); index++) {
    const found = functionAt(index);
    if (isBridge(found)) continue;
    print("pci: %s %4h:%4h class %6x\n", sourceName(found.segment, found.sourceId), found.vendor, found.vendor >> 16, found.classCode);
  }
}
