// What was built for VT-d, written into the plan: the kernel knows nothing else of it.

import { interruptRemappingAllowed } from "../drivers/acpi/dmar/parse";
import { NO_FUNCTION, findFunction, functionAt } from "../drivers/pci/functions";
import { FatalReason, fatalWith } from "../../kernel/boot/fatal";
import { load64, store32, store64 } from "../../kernel/memory/physical";
import { PlanHeader, PlanPartition, header32, setField64 } from "../../kernel/partition/plan";
import { PlanFunction, function32, functionCount } from "../../kernel/partition/plan-functions";
import {
  MAXIMUM_PLAN_BRIDGES, MAXIMUM_PLAN_RESERVED, PlanReserved, PlanSource, PlanUnit, planBridge, planReserved, planSource, planUnit,
} from "../../kernel/partition/plan-remapping";
import { partitionCount } from "../../kernel/policy/reader";
import { domainRoot, hasDomain } from "../vtd/domain";
import { directoryOf } from "../vtd/scalable";
import { tableLevels } from "../vtd/shape";
import { domainOf, sourceAt, sourceCount } from "../../kernel/vtd/sources";
import { unitAt, unitCount } from "../../kernel/vtd/unit";
import { setHeader32 } from "../partition/plan-writer";

/** Writes units, source ids, domains and bridges into the plan. */
export function planRemapping(): void {
  setHeader32(PlanHeader.TableLevels, tableLevels());
  setHeader32(PlanHeader.RemapsInterrupts, interruptRemappingAllowed() ? 1 : 0);
  setHeader32(PlanHeader.UnitCount, unitCount());
  setHeader32(PlanHeader.SourceCount, sourceCount());
  for (let index: u32 = 0; index < unitCount(); index++) planOneUnit(index);
  for (let index: u32 = 0; index < sourceCount(); index++) planOneSource(index);
  for (let partition: u32 = 0; partition < partitionCount(); partition++) {
    if (hasDomain(partition)) planDomain(partition);
  }
  for (let record: u32 = 0; record < functionCount(); record++) planBridgesAbove(record);
}

function planOneUnit(index: u32): void {
  const unit = unitAt(index);
  const record = planUnit(index);
  store64(record + PlanUnit.Registers, unit.registers);
  store64(record + PlanUnit.RegistersLength, unit.registersLength);
  store64(record + PlanUnit.RootTable, unit.rootTable);
  store64(record + PlanUnit.Queue, unit.queue);
  store64(record + PlanUnit.InterruptTable, unit.interruptTable);
  store32(record + PlanUnit.Segment, unit.segment);
}

function planOneSource(index: u32): void {
  const source = sourceAt(index);
  const record = planSource(index);
  store32(record + PlanSource.Segment, source.segment);
  store32(record + PlanSource.SourceId, source.sourceId);
  store32(record + PlanSource.Unit, source.unit);
  store32(record + PlanSource.Partition, source.partition);
  store32(record + PlanSource.DeviceTlb, source.deviceTlb);
}

function planDomain(partition: u32): void {
  setField64(partition, PlanPartition.DomainRoot, domainRoot(partition));
  if (unitAt(0).isScalable != 0) setField64(partition, PlanPartition.PasidDirectory, directoryOf(domainOf(partition), domainRoot(partition)));
}

/** Bridges above the function of a record, each once. */
function planBridgesAbove(record: u32): void {
  const index = findFunction(function32(record, PlanFunction.Segment), function32(record, PlanFunction.SourceId));
  for (let bridge = functionAt(index).parent; bridge != NO_FUNCTION; bridge = functionAt(bridge).parent) {
    const count = header32(PlanHeader.BridgeCount);
    let known: u32 = 0;
    while (known < count && load64(planBridge(known)) != functionAt(bridge).page) known++;
    if (known != count) continue;
    if (count == MAXIMUM_PLAN_BRIDGES) fatalWith(FatalReason.RemappingTables, "bridges", count);
    store64(planBridge(count), functionAt(bridge).page);
    setHeader32(PlanHeader.BridgeCount, count + 1);
  }
}

/** Memory of the firmware that the devices of a partition reach. */
export function planReservedMemory(partition: u32, base: u64, length: u64): void {
  const count = header32(PlanHeader.ReservedCount);
  if (count == MAXIMUM_PLAN_RESERVED) fatalWith(FatalReason.RemappingTables, "ranges of reserved memory", count);
  const record = planReserved(count);
  store64(record + PlanReserved.Base, base);
  store64(record + PlanReserved.Length, length);
  store32(record + PlanReserved.Partition, partition);
  setHeader32(PlanHeader.ReservedCount, count + 1);
}
