// Core 0, early: which PCI functions and which VT-d units the machine has. Bus mastering is off for every function from
// here on; the cores of their partitions give it back to those that are assigned.

import { dmarFailureOffset, dmarStatusText, hostAddressWidth } from "../../drivers/acpi/dmar/parse";
import { reservedMemoryBase, reservedMemoryCount, reservedMemoryLimit, unitRegisters } from "../../drivers/acpi/dmar/records";
import { McfgStatus, mcfgStatusText, parseMcfg } from "../../drivers/acpi/mcfg";
import { ScanStatus, functionAt, functionCount, isBridge, scanFailure, scanFunctions, scanStatusText } from "../../drivers/pci/functions";
import { groupFunctions } from "../../drivers/pci/groups";
import { quiesceFunctions } from "../../drivers/pci/quiesce";
import { FatalReason, fatal, fatalWith, reportFatal, stop } from "../boot/fatal";
import { print, printDecimal, printHex, printLine } from "../console/print";
import { reserveMemory } from "../memory/frames";
import { reservedMemoryIsFor } from "../vtd/scope";
import { SetupStatus, findUnits, tableStatus } from "../vtd/setup";
import { printIdentity, printSource } from "../vtd/source-name";
import { printUnits } from "../vtd/unit-report";
import { unitCount } from "../vtd/unit";

/** Every bridge leads to buses of its own. */
let isTree: bool = true;

export function surveyDevices(): void {
  surveyFunctions();
  surveyUnits();
}

function surveyFunctions(): void {
  const configuration = parseMcfg();
  if (configuration != McfgStatus.Done && configuration != McfgStatus.Missing) {
    print("pci: MCFG table not used: ");
    print(mcfgStatusText(configuration));
    printLine();
  }
  const status = scanFunctions();
  if (status == ScanStatus.TooManyFunctions) fatal(FatalReason.PciScan);
  isTree = status == ScanStatus.Done;
  quiesceFunctions();
  groupFunctions();
  print("pci: ");
  printDecimal(functionCount());
  print(functionCount() == 1 ? " function" : " functions");
  print(", none may start DMA");
  printLine();
}

/** Stops the boot if bridges lead in circles: then nobody knows which devices can reach each other. */
export function requireTree(): void {
  if (isTree) return;
  const bridge = functionAt(scanFailure());
  reportFatal(FatalReason.PciScan);
  print("  ");
  print(scanStatusText(ScanStatus.BusNumbers));
  print(": ");
  printSource(bridge.segment, bridge.sourceId);
  printLine();
  stop();
}

function surveyUnits(): void {
  const status = findUnits();
  if (status == SetupStatus.TableMalformed) refuseTable();
  if (status == SetupStatus.OutOfReach) fatalWith(FatalReason.RemappingStart, "register address", unitRegisters(unitCount()));
  if (status == SetupStatus.NoTable) {
    print("vtd: no DMAR table, so no device can be given away");
    printLine();
    return;
  }
  print("vtd: ");
  printDecimal(unitCount());
  print(unitCount() == 1 ? " unit, " : " units, ");
  printDecimal(hostAddressWidth());
  print("-bit host addresses");
  printLine();
  printUnits();
  for (let index: u32 = 0; index < reservedMemoryCount(); index++) {
    // Firmware has been seen to list it as free.
    reserveMemory(reservedMemoryBase(index), reservedMemoryLimit(index) + 1);
    printReservedMemory(index);
  }
}

/** Memory that firmware and a device share (RMRR); closed to the device unless the policy says otherwise. */
function printReservedMemory(index: u32): void {
  print("vtd: reserved memory ");
  printHex(reservedMemoryBase(index), 12);
  print(" to ");
  printHex(reservedMemoryLimit(index), 12);
  print(" for");
  for (let i: u32 = 0; i < functionCount(); i++) {
    const found = functionAt(i);
    if (!reservedMemoryIsFor(index, found.segment, found.sourceId)) continue;
    print(" ");
    printSource(found.segment, found.sourceId);
  }
  printLine();
}

function refuseTable(): void {
  reportFatal(FatalReason.DmarTable);
  print("  offset ");
  printHex(dmarFailureOffset(), 4);
  print(": ");
  print(dmarStatusText(tableStatus()));
  printLine();
  stop();
}

/** One line a function that is no bridge: what a policy may name. */
export function printFunctions(): void {
  for (let index: u32 = 0; index < functionCount(); index++) {
    const found = functionAt(index);
    if (isBridge(found)) continue;
    print("pci: ");
    printSource(found.segment, found.sourceId);
    print(" ");
    printIdentity(found.vendor);
    print(" class ");
    printHex(found.classCode, 6);
    printLine();
  }
}
