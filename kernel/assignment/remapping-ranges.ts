// What core 0 keeps of the units after the seal: it drains their faults and can switch a device off, no more. No core maps
// second-level tables or interrupt remapping tables.

import { addDirectRange } from "../memory/direct-ranges";
import { PAGE_SIZE } from "../memory/layout";
import { load64 } from "../memory/physical";
import { Mapping } from "../memory/paging";
import { PlanHeader, header32 } from "../partition/plan";
import { PlanUnit, planUnit } from "../partition/plan-remapping";

/** Queue and status word, see Unit.queue. */
const QUEUE_PAGES: u64 = 2;
/** Pointers of a root table; those of the upper half of a bus are 0 in legacy form. */
const POINTERS: u64 = 512;
const PRESENT: u64 = 1 << 0;
const ADDRESS: u64 = 0x000ffffffffff000;

export function addRemappingRanges(): void {
  for (let i: u32 = 0; i < header32(PlanHeader.UnitCount); i++) {
    const record = planUnit(i);
    const root = load64(record + PlanUnit.RootTable);
    const queue = load64(record + PlanUnit.Queue);
    addDirectRange(load64(record + PlanUnit.Registers), load64(record + PlanUnit.RegistersLength), Mapping.Writable | Mapping.Uncached);
    addDirectRange(root, PAGE_SIZE, Mapping.ReadOnly);
    if (queue != 0) addDirectRange(queue, QUEUE_PAGES * PAGE_SIZE, Mapping.Writable);
    for (let index: u64 = 0; index < POINTERS; index++) {
      const pointer = load64(root + (index << 3));
      if ((pointer & PRESENT) != 0) addDirectRange(pointer & ADDRESS, PAGE_SIZE, Mapping.Writable);
    }
  }
}
