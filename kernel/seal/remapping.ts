// The seal of VT-d: units and source ids of the plan, and every entry of root, context and interrupt remapping tables, which must be to the bit
// what plan and policy make of it. Which source ids and bridges a device has is the firmware's word, but no partition's id is another's.

import { isExtendedPage, pageRead8 } from "../../drivers/pci/config-page";
import { FatalReason, fatalWith } from "../boot/fatal";
import { PAGE_SIZE } from "../memory/layout";
import { load32, load64 } from "../memory/physical";
import { PlanHeader, PlanPartition, field64, header32 } from "../partition/plan";
import { PlanFunction, function32, functionCount } from "../partition/plan-functions";
import {
  MAXIMUM_PLAN_BRIDGES, MAXIMUM_PLAN_RESERVED, MAXIMUM_PLAN_SOURCES, MAXIMUM_PLAN_UNITS, PlanReserved, PlanUnit, planBridge, planReserved, planUnit,
} from "../partition/plan-remapping";
import { DeviceFlag } from "../policy/layout";
import { partitionCount } from "../policy/reader";
import { attachRemapping } from "../vtd/attach";
import { Source, domainOf, findSource, sourceAt, sourceCount, NO_SOURCE } from "../vtd/sources";
import { Unit, unitAt, unitCount } from "../vtd/unit";
import { claim, claimFrames, refusePlan } from "./claims";
import { checkBridge } from "./functions";
import { checkInterrupts } from "./interrupts";

/** Root, context, PASID directory and PASID table entries, VT-d 4.1 9.1 to 9.6. */
const PRESENT: u64 = 1 << 0;
/** TT 1 of a context entry in legacy form, DTE in scalable form. */
const DEVICE_TLB: u64 = 1 << 2;
/** DID of a context entry's second u64. */
const DOMAIN_SHIFT: u64 = 8;
/** AW and PGTT (second level only) of a PASID table entry. */
const PASID_WIDTH_SHIFT: u64 = 2;
const SECOND_LEVEL_ONLY: u64 = 2 << 6;
const FRAME: u64 = 0x000ffffffffff000;
/** Header type in configuration space, whose layout is 0 where there is no bridge (PCI 3.0 6.2.1). */
const HEADER_TYPE: u32 = 0x0e;
const HEADER_LAYOUT: u32 = 0x7f;

function refuseTable(what: string, value: u64): void { fatalWith(FatalReason.SealRemapping, what, value); }

/** Claims all that units and bridges have, and checks all but second-level tables. Functions have been claimed. */
export function claimRemapping(): void {
  checkCounts();
  for (let i: u32 = 0; i < header32(PlanHeader.UnitCount); i++) claimRegisters(planUnit(i));
  if (!attachRemapping()) refusePlan("source ids", header32(PlanHeader.SourceCount));
  for (let i: u32 = 0; i < header32(PlanHeader.BridgeCount); i++) claimBridge(load64(planBridge(i)));
  for (let i: u32 = 0; i < header32(PlanHeader.ReservedCount); i++) claimReserved(planReserved(i));
  for (let i: u32 = 0; i < sourceCount(); i++) checkSource(sourceAt(i));
  for (let record: u32 = 0; record < functionCount(); record++) {
    checkOwner(record);
    checkBridge(record);
  }
  for (let partition: u32 = 0; partition < partitionCount(); partition++) {
    if (field64(partition, PlanPartition.PostedDescriptor) != 0) claimFrames(field64(partition, PlanPartition.PostedDescriptor), 1);
    if (field64(partition, PlanPartition.PasidDirectory) != 0) checkDirectory(partition);
  }
  for (let i: u32 = 0; i < unitCount(); i++) {
    checkUnit(unitAt(i));
    checkInterrupts(unitAt(i));
  }
}

function checkCounts(): void {
  const units = header32(PlanHeader.UnitCount);
  const tooMany = units > MAXIMUM_PLAN_UNITS || header32(PlanHeader.SourceCount) > MAXIMUM_PLAN_SOURCES;
  if (tooMany || header32(PlanHeader.ReservedCount) > MAXIMUM_PLAN_RESERVED || header32(PlanHeader.BridgeCount) > MAXIMUM_PLAN_BRIDGES) refusePlan("units", units);
}

/** Before they are read for the first time. */
function claimRegisters(record: u64): void {
  const length = load64(record + PlanUnit.RegistersLength);
  if (length == 0 || length % PAGE_SIZE != 0) refusePlan("registers of a unit", length);
  claimFrames(load64(record + PlanUnit.Registers), length / PAGE_SIZE);
}

/** A configuration page, or a number for the configuration ports. */
function claimBridge(page: u64): void {
  if ((page & (PAGE_SIZE - 1)) == 0) claim(page, PAGE_SIZE);
  else if (isExtendedPage(page)) refusePlan("bridge", page);
  if ((pageRead8(page, HEADER_TYPE) & HEADER_LAYOUT) == 0) refusePlan("bridge", page);
}

/** The firmware's memory, which the policy opens to some device of the partition. */
function claimReserved(record: u64): void {
  const base = load64(record + PlanReserved.Base);
  claim(base, load64(record + PlanReserved.Length));
  for (let i: u32 = 0; i < functionCount(); i++) {
    const isOwners = function32(i, PlanFunction.Partition) == load32(record + PlanReserved.Partition);
    if (isOwners && (function32(i, PlanFunction.Flags) & DeviceFlag.ReservedMemory) != 0) return;
  }
  refusePlan("reserved memory", base);
}

/** Its partition has tables, its unit serves its segment, and it has a device TLB only as a function that may. */
function checkSource(source: Source): void {
  const hasTables = source.partition < partitionCount() && field64(source.partition, PlanPartition.DomainRoot) != 0
    && (unitAt(source.unit).isScalable == 0 || field64(source.partition, PlanPartition.PasidDirectory) != 0);
  let deviceTlb: u32 = 0;
  for (let i: u32 = 0; i < functionCount(); i++) {
    const isItself = function32(i, PlanFunction.Segment) == source.segment && function32(i, PlanFunction.SourceId) == source.sourceId;
    if (isItself && (function32(i, PlanFunction.Flags) & DeviceFlag.DeviceTlb) != 0) deviceTlb = 1;
  }
  if (!hasTables || unitAt(source.unit).segment != source.segment || source.deviceTlb != deviceTlb) refusePlan("source id", source.sourceId);
}

/** A function's own source id is its owner's, on a unit that is to remap. */
function checkOwner(record: u32): void {
  const sourceId = function32(record, PlanFunction.SourceId);
  const index = findSource(function32(record, PlanFunction.Segment), sourceId);
  const isOwners = index != NO_SOURCE && sourceAt(index).partition == function32(record, PlanFunction.Partition);
  if (!isOwners || sourceAt(index).unit != function32(record, PlanFunction.Unit)) refusePlan("owner of source id", sourceId);
}

/** Frames of its own for each table, and an entry for its source ids alone. */
function checkUnit(unit: Unit): void {
  if (unit.registersLength != load64(planUnit(unit.index) + PlanUnit.RegistersLength)) refusePlan("registers of unit", unit.index);
  claimFrames(unit.rootTable, 1);
  claimFrames(unit.interruptTable, 1);
  if (unit.queue != 0) claimFrames(unit.queue, 2);
  let found: u32 = 0;
  for (let index: u64 = 0; index < PAGE_SIZE / 8; index++) {
    const pointer = load64(unit.rootTable + (index << 3));
    if (pointer == 0) continue;
    const isHalf = unit.isScalable == 0 && (index & 1) != 0; // in legacy form the upper half of a root entry is reserved
    if (isHalf || (pointer & ~FRAME) != PRESENT) return refuseTable("root entry", index >> 1);
    claimFrames(pointer & FRAME, 1);
    found += checkContextTable(unit, pointer & FRAME, <u32>index << 7);
  }
  let listed: u32 = 0;
  for (let i: u32 = 0; i < sourceCount(); i++) listed += sourceAt(i).unit == unit.index ? 1 : 0;
  if (found != listed) refuseTable("source ids without an entry", listed - found);
}

/** A context table from source id `first` on; the number of its source ids that have an owner. */
function checkContextTable(unit: Unit, table: u64, first: u32): u32 {
  const words: u64 = unit.isScalable != 0 ? 4 : 2;
  let found: u32 = 0;
  for (let slot = table; slot < table + PAGE_SIZE; slot += words << 3) {
    const sourceId = first + <u32>((slot - table) / (words << 3));
    const index = findSource(unit.segment, sourceId);
    const isOwned = index != NO_SOURCE && sourceAt(index).unit == unit.index;
    if (isOwned) found++;
    for (let word: u64 = 0; word < words; word++) {
      if (load64(slot + (word << 3)) != (isOwned ? contextWord(unit, sourceAt(index), word) : 0)) refuseTable("context entry of source id", sourceId);
    }
  }
  return found;
}

/** Word of the context entry that a source id must have. */
function contextWord(unit: Unit, source: Source, word: u64): u64 {
  const root = field64(source.partition, unit.isScalable != 0 ? PlanPartition.PasidDirectory : PlanPartition.DomainRoot);
  if (word == 0) return root | PRESENT | (source.deviceTlb != 0 ? DEVICE_TLB : 0);
  return word == 1 && unit.isScalable == 0 ? <u64>(header32(PlanHeader.TableLevels) - 2) | (<u64>domainOf(source.partition) << DOMAIN_SHIFT) : 0;
}

/** Requests without a PASID go to entry 0 of the table that follows the directory; no other has one. */
function checkDirectory(partition: u32): void {
  const directory = field64(partition, PlanPartition.PasidDirectory);
  const table = directory + PAGE_SIZE;
  claimFrames(directory, 2);
  for (let slot = directory; slot < table + PAGE_SIZE; slot += 8) {
    let expected: u64 = 0;
    if (slot == directory) expected = table | PRESENT;
    if (slot == table) {
      expected = field64(partition, PlanPartition.DomainRoot) | PRESENT | SECOND_LEVEL_ONLY
        | (<u64>(header32(PlanHeader.TableLevels) - 2) << PASID_WIDTH_SHIFT);
    }
    if (slot == table + 8) expected = <u64>domainOf(partition);
    if (load64(slot) != expected) refuseTable("PASID directory or table of partition", partition);
  }
}
