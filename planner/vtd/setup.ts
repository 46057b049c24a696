// From the DMAR table to units with empty tables.

import { unitRegisters, unitRegistersSize, unitSegment, unitCount as dmarUnitCount } from "../drivers/acpi/dmar/records";
import { allocate } from "../memory/frames";
import { BOOT_DIRECT_END, PAGE_SIZE } from "../../kernel/memory/layout";
import { flushCache } from "../../kernel/memory/physical";
import { createInterruptTable } from "./interrupt-table";
import { ECAP_QI } from "../../kernel/vtd/register";
import { chooseShape } from "./shape";
import { MAXIMUM_UNITS, Unit, addUnit, clearUnits, unitAt, unitCount } from "../../kernel/vtd/unit";

/** Takes the units of the DMAR table; false if the registers of one, number unitCount(), lie above what core 0 reaches while it starts. */
export function takeUnits(): bool {
  clearUnits();
  const count = min(dmarUnitCount(), MAXIMUM_UNITS);
  for (let i: u32 = 0; i < count; i++) {
    if (unitRegisters(i) >= BOOT_DIRECT_END) return false;
    const unit = addUnit(unitRegisters(i), unitSegment(i));
    unit.registersLength = max(unit.registersLength, unitRegistersSize(i));
  }
  return true;
}

/** Chooses the form of root, context and second-level tables; `scalable`: the policy asks for scalable mode. */
export function chooseMode(scalable: bool): void {
  for (let i: u32 = 0; i < unitCount(); i++) unitAt(i).isScalable = scalable ? 1 : 0;
  chooseShape(scalable);
}

/** Gives each unit empty root and interrupt remapping tables, which deny everything, and its queue, which core 0 maps; false if no frame is left. */
export function prepareUnits(): bool {
  for (let i: u32 = 0; i < unitCount(); i++) {
    const unit = unitAt(i);
    unit.rootTable = allocate(1, 1);
    if (unit.rootTable == 0 || !createInterruptTable(unit) || !allocateQueue(unit)) return false;
    flushCache(unit.rootTable, PAGE_SIZE);
  }
  return true;
}

/** Gives the unit the frames of its queue if it knows one and has none yet; false if no frame is left. */
export function allocateQueue(unit: Unit): bool {
  if (unit.queue == 0 && (unit.extended & ECAP_QI) != 0) unit.queue = allocate(2, 1);
  return unit.queue != 0 || (unit.extended & ECAP_QI) == 0;
}
