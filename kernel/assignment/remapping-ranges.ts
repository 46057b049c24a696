// What core 0 keeps of the units after the seal: it drains their faults and can switch a device off, no more. No core maps
// second-level tables or interrupt remapping tables.

import { functionAt, functionCount } from "../../drivers/pci/functions";
import { addDirectRange } from "../memory/direct-ranges";
import { PAGE_SIZE } from "../memory/layout";
import { Mapping } from "../memory/paging";
import { protectPages } from "../memory/protected-ranges";
import { contextTableOf } from "../vtd/context";
import { domainRoot, hasDomain } from "../vtd/domain";
import { Unit, unitAt, unitCount } from "../vtd/unit";
import { registersLength } from "../vtd/unit-registers";
import { partitionCount } from "../policy/reader";

/** Queue and status word, see Unit.queue. */
const QUEUE_PAGES: u64 = 2;

export function addRemappingRanges(): void {
  for (let i: u32 = 0; i < unitCount(); i++) {
    const unit = unitAt(i);
    if (unit.rootTable == 0) continue;
    addDirectRange(unit.registers, registersLength(unit), Mapping.Writable | Mapping.Uncached);
    addDirectRange(unit.rootTable, PAGE_SIZE, Mapping.ReadOnly);
    if (unit.queue != 0) addDirectRange(unit.queue, QUEUE_PAGES * PAGE_SIZE, Mapping.Writable);
    for (let index: u32 = 0; index < functionCount(); index++) {
      const table = contextTable(unit, index);
      if (table != 0) addDirectRange(table, PAGE_SIZE, Mapping.Writable);
    }
  }
}

/** Context table that holds the entry of a function, 0 if the unit does not serve its bus. */
function contextTable(unit: Unit, index: u32): u64 {
  const pciFunction = functionAt(index);
  return pciFunction.segment == unit.segment ? contextTableOf(unit, pciFunction.sourceId) : 0;
}

/** Adds to the ranges that the seal protects from a core what that core must not write. */
export function protectRemapping(isCore0: bool): void {
  for (let i: u32 = 0; i < unitCount(); i++) {
    const unit = unitAt(i);
    if (unit.rootTable == 0) continue;
    protectPages(unit.rootTable, 1);
    protectPages(unit.interruptTable, 1);
    if (isCore0) continue;
    protectPages(unit.registers, registersLength(unit) / PAGE_SIZE);
    if (unit.queue != 0) protectPages(unit.queue, QUEUE_PAGES);
    for (let index: u32 = 0; index < functionCount(); index++) {
      const table = contextTable(unit, index);
      if (table != 0) protectPages(table, 1);
    }
  }
  for (let partition: u32 = 0; partition < partitionCount(); partition++) {
    if (hasDomain(partition)) protectPages(domainRoot(partition), 1);
  }
}
