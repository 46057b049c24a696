// What each unit can do, one line each, for the boot log.

import { RecordKind, recordAt, recordCount } from "../drivers/acpi/dmar/records";
import { print } from "../../kernel/console/print";
import { LargePage } from "../memory/page-tree";
import {
  CAP_CM, CAP_PI, CAP_PSI, CAP_RWBF, ECAP_C, ECAP_DT, ECAP_EIM, ECAP_IR, ECAP_PT, ECAP_QI, ECAP_SC, ECAP_SMTS, Register, adjustedWidths,
  domainsOf, faultRecords, maximumGuestWidth, secondLevelLargePages,
} from "../../kernel/vtd/register";
import { Unit, read32, unitAt, unitCount } from "../../kernel/vtd/unit";

export function printUnits(): void {
  for (let i: u32 = 0; i < unitCount(); i++) printUnit(unitAt(i));
}

function printUnit(unit: Unit): void {
  const version = read32(unit, Register.VER);
  print("vtd unit %d at %12x segment %d", unit.index, unit.registers, unit.segment);
  print(", version %d.%d: %d-bit addresses, levels", (version >> 4) & 0xf, version & 0xf, maximumGuestWidth(unit.capability));
  printLevels(adjustedWidths(unit.capability));
  const largePages = secondLevelLargePages(unit.capability);
  if (largePages & LargePage.TwoMegabytes) print(", 2M pages");
  if (largePages & LargePage.OneGigabyte) print(", 1G pages");
  print(", %d domains, %d fault record", domainsOf(unit.capability), faultRecords(unit.capability));
  if (faultRecords(unit.capability) != 1) print("s");
  printProximity(unit);
  print("\nvtd unit %d has legacy mode", unit.index);
  printFeatures(unit);
  print("\n");
}

/** Node of the machine's memory that the unit is next to, if the table says so (RHSA, VT-d 4.1 8.6). */
function printProximity(unit: Unit): void {
  for (let i: u32 = 0; i < recordCount(RecordKind.Proximity); i++) {
    const record = recordAt(RecordKind.Proximity, i);
    if (record.base == unit.registers) print(", proximity domain %d", record.detail);
  }
}

/** Bit n of SAGAW stands for n + 2 levels. */
function printLevels(widths: u32): void {
  for (let bit: u32 = 1; bit <= 3; bit++) {
    if ((widths & (1 << bit)) != 0) print(" %d", bit + 2);
  }
}

function printFeatures(unit: Unit): void {
  const capability = unit.capability;
  const extended = unit.extended;
  printIf(extended & ECAP_QI, "queued invalidation");
  printIf(extended & ECAP_IR, "interrupt remapping");
  printIf(extended & ECAP_EIM, "extended interrupt mode");
  printIf(capability & CAP_PI, "posted interrupts");
  printIf(extended & ECAP_SMTS, "scalable mode");
  printIf(extended & ECAP_DT, "device TLBs");
  printIf(extended & ECAP_PT, "pass-through (not used)");
  printIf(extended & ECAP_SC, "snoop control");
  printIf(extended & ECAP_C, "coherent walks");
  printIf(capability & CAP_PSI, "page-selective invalidation");
  printIf(capability & CAP_CM, "caching mode");
  printIf(capability & CAP_RWBF, "write-buffer flushing");
}

function printIf(bit: u64, name: string): void {
  if (bit == 0) return;
  print(", ");
  print(name);
}
