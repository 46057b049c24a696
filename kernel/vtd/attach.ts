// Core 0: takes over the units and the source ids that the plan names.

import { deviceCount, usesScalableRemapping } from "../policy/reader";
import { load32, load64 } from "../memory/physical";
import { PlanHeader, header32 } from "../partition/plan";
import { PlanSource, PlanUnit, planSource, planUnit } from "../partition/plan-remapping";
import { MAXIMUM_SOURCES, NO_SOURCE, addSource, clearSources, sourceAt } from "./sources";
import { MAXIMUM_UNITS, addUnit, clearUnits } from "./unit";

/** False if there are more than there can be, or a source id is there twice or has no unit. */
export function attachRemapping(): bool {
  clearUnits();
  clearSources();
  const units = header32(PlanHeader.UnitCount);
  const sources = header32(PlanHeader.SourceCount);
  if (units > MAXIMUM_UNITS || sources > MAXIMUM_SOURCES) return false;
  for (let index: u32 = 0; index < units; index++) attachUnit(planUnit(index));
  for (let index: u32 = 0; index < sources; index++) {
    if (!attachSource(planSource(index), units)) return false;
  }
  return true;
}

function attachUnit(record: u64): void {
  const unit = addUnit(load64(record + PlanUnit.Registers), load32(record + PlanUnit.Segment));
  unit.registersLength = max(unit.registersLength, load64(record + PlanUnit.RegistersLength));
  unit.rootTable = load64(record + PlanUnit.RootTable);
  unit.queue = load64(record + PlanUnit.Queue);
  unit.interruptTable = load64(record + PlanUnit.InterruptTable);
  unit.isScalable = deviceCount() != 0 && usesScalableRemapping() ? 1 : 0;
}

function attachSource(record: u64, units: u32): bool {
  const unit = load32(record + PlanSource.Unit);
  const index = addSource(load32(record + PlanSource.Segment), load32(record + PlanSource.SourceId), unit, load32(record + PlanSource.Partition));
  if (index == NO_SOURCE || unit >= units) return false;
  sourceAt(index).deviceTlb = load32(record + PlanSource.DeviceTlb);
  return true;
}
