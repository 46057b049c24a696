// Core 0, early: which PCI functions and which VT-d units the machine has. Bus mastering is off for every function from
// here on; the cores of their partitions give it back to those that are assigned.

import { dmarFailureOffset, dmarStatusText, hostAddressWidth } from "../../drivers/acpi/dmar/parse";
import { reservedMemoryBase, reservedMemoryCount, reservedMemoryLimit } from "../../drivers/acpi/dmar/records";
import { parseMcfg } from "../../drivers/acpi/mcfg";
import { ScanStatus, functionAt, functionCount, isBridge, scanFailure, scanFunctions, scanStatusText } from "../../drivers/pci/functions";
import { groupFunctions } from "../../drivers/pci/groups";
import { quiesceFunctions } from "../../drivers/pci/quiesce";
import { FatalReason, fatal, reportFatal, stop } from "../boot/fatal";
import { print, printDecimal, printHex, printLine } from "../console/print";
import { reservedMemoryIsFor } from "../vtd/scope";
import { SetupStatus, findUnits, tableStatus } from "../vtd/setup";
import { printIdentity, printSource } from "../vtd/source-name";
import { printUnits } from "../vtd/unit-report";
import { unitCount } from "../vtd/unit";

export function surveyDevices(): void {
  surveyFunctions();
  surveyUnits();
}

function surveyFunctions(): void {
  parseMcfg();
  const status = scanFunctions();
  if (status != ScanStatus.Done) refuseScan(status);
  quiesceFunctions();
  groupFunctions();
  print("pci: ");
  printDecimal(functionCount());
  print(functionCount() == 1 ? " function" : " functions");
  print(", none may start DMA");
  printLine();
}

function refuseScan(status: ScanStatus): void {
  reportFatal(FatalReason.PciScan);
  print(scanStatusText(status));
  if (status == ScanStatus.BusNumbers) {
    const bridge = functionAt(scanFailure());
    print(": ");
    printSource(bridge.segment, bridge.sourceId);
  }
  printLine();
  stop();
}

function surveyUnits(): void {
  const status = findUnits();
  if (status == SetupStatus.TableMalformed) refuseTable();
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
  for (let index: u32 = 0; index < reservedMemoryCount(); index++) printReservedMemory(index);
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
