// Claims on what VT-d works with: registers and frames that core 0 writes, tables that other tables lead to, firmware's memory that devices
// reach, and the bridges above functions.

import { PAGE_SIZE } from "../memory/layout";
import { load64 } from "../memory/physical";
import { PlanHeader, PlanPartition, field64, header32 } from "../partition/plan";
import { PlanFunction, function64, functionCount } from "../partition/plan-functions";
import { MAXIMUM_PLAN_BRIDGES, MAXIMUM_PLAN_RESERVED, MAXIMUM_PLAN_UNITS, PlanReserved, PlanUnit, planBridge, planReserved, planUnit } from "../partition/plan-remapping";
import { partitionCount } from "../policy/reader";
import { claim, claimFrames, refusePlan } from "./claims";

/** Descriptors, and the status word; see Unit.queue. */
const QUEUE_PAGES: u64 = 2;
/** PASID directory and table. */
const PASID_PAGES: u64 = 2;
/** Pointers of a root table, VT-d 4.1 9.1 and 9.2. */
const POINTERS: u64 = 512;
const PRESENT: u64 = 1 << 0;
const ADDRESS: u64 = 0x000ffffffffff000;

export function claimRemapping(): void {
  if (header32(PlanHeader.UnitCount) > MAXIMUM_PLAN_UNITS || header32(PlanHeader.ReservedCount) > MAXIMUM_PLAN_RESERVED) refusePlan("units", header32(PlanHeader.UnitCount));
  if (header32(PlanHeader.BridgeCount) > MAXIMUM_PLAN_BRIDGES) refusePlan("bridges", header32(PlanHeader.BridgeCount));
  for (let i: u32 = 0; i < header32(PlanHeader.UnitCount); i++) claimUnit(planUnit(i));
  for (let i: u32 = 0; i < header32(PlanHeader.ReservedCount); i++) claim(load64(planReserved(i) + PlanReserved.Base), load64(planReserved(i) + PlanReserved.Length));
  for (let i: u32 = 0; i < header32(PlanHeader.BridgeCount); i++) claimBridge(load64(planBridge(i)));
  for (let partition: u32 = 0; partition < partitionCount(); partition++) {
    claimOptional(field64(partition, PlanPartition.PostedDescriptor), 1);
    claimOptional(field64(partition, PlanPartition.PasidDirectory), PASID_PAGES);
  }
  for (let record: u32 = 0; record < functionCount(); record++) checkBridge(function64(record, PlanFunction.Bridge));
}

function claimOptional(frames: u64, pages: u64): void {
  if (frames != 0) claimFrames(frames, pages);
}

function claimUnit(record: u64): void {
  claim(load64(record + PlanUnit.Registers), load64(record + PlanUnit.RegistersLength));
  claimOptional(load64(record + PlanUnit.Queue), QUEUE_PAGES);
  claimFrames(load64(record + PlanUnit.InterruptTable), 1);
  const root = load64(record + PlanUnit.RootTable);
  claimFrames(root, 1);
  for (let i: u64 = 0; i < POINTERS; i++) {
    const pointer = load64(root + (i << 3));
    if ((pointer & PRESENT) != 0) claimFrames(pointer & ADDRESS, 1);
  }
}

/** A configuration page, or a number for the configuration ports (drivers/pci/config-page.ts). */
function claimBridge(page: u64): void {
  if ((page & 1) == 0) claim(page, PAGE_SIZE);
}

/** The bridge that is reset with a function is one of those above. */
function checkBridge(page: u64): void {
  let i: u32 = 0;
  while (page != 0 && i < header32(PlanHeader.BridgeCount) && load64(planBridge(i)) != page) i++;
  if (page != 0 && i == header32(PlanHeader.BridgeCount)) refusePlan("bridge", page);
}
