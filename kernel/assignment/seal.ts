// The seal of the remapping tables: what the policy grants is written down once more, from the plan and not from the tables,
// and the independent walkers compare it with every table before translation goes on.

import { HostVector } from "../../drivers/vectors";
import { FatalReason, reportFatal, stop } from "../boot/fatal";
import { ImageSymbol, imageAddress } from "../boot/stub";
import { print } from "../console/print";
import { HIGH_MEMORY_BASE } from "../../monitor/interface";
import { IO_BITMAP_PAGES, MSR_BITMAP_PAGES } from "../cpu/backend";
import { BOOT_DIRECT_END, MONITOR_MEMORY_PAGES, PAGE_SIZE } from "../memory/layout";
import { clearProtected, protect, protectPages, protectedCount, protectedOverflowed, protectedRanges } from "../memory/protected-ranges";
import { load32, load64 } from "../memory/physical";
import { PlanHeader, PlanPartition, field64, header32, planAddress, PLAN_PAGES, vcpuApicId, vcpuControl } from "../partition/plan";
import { PlanFunction, function32, functionCount } from "../partition/plan-functions";
import { coreApicId, moduleAddress, moduleCount, moduleSize } from "../partition/plan-machine";
import { PlanReserved, planReserved } from "../partition/plan-remapping";
import { partitionCount, partitionVcpuCount } from "../policy/reader";
import { attachRemapping } from "../vtd/attach";
import { INTERRUPT_ENTRIES, usesExtendedDestinations } from "../vtd/interrupt-remapping";
import { CAP_PI, ECAP_SC, secondLevelLargePages } from "../vtd/register";
import { domainOf, sourceAt, sourceCount } from "../vtd/sources";
import { Unit, unitAt, unitCount } from "../vtd/unit";
import { PROTECTED_SIZE, Protected, limitTables } from "../vtd/walker-frame";
import { SECOND_LEVEL_GRANT_SIZE, SecondLevelGrant, checkSecondLevel, limitLeaves } from "../vtd/walker";
import { DEVICE_GRANT_SIZE, DeviceGrant, checkDeviceTables } from "../vtd/walker-devices";
import { INTERRUPT_GRANT_SIZE, InterruptGrant, checkInterruptTable } from "../vtd/interrupt-walker";
import { failWalk, walkFailure, walkFailureAddress, walkFailureEntry } from "../vtd/walker-failure";

// Bits of a second-level leaf, VT-d 4.1 9.8.
const READ: u64 = 1 << 0;
const WRITE: u64 = 1 << 1;
const SNOOP: u64 = 1 << 11;

const MAXIMUM_GRANTS: u32 = 66;
const grants: usize = memory.data(2112, 8); // MAXIMUM_GRANTS * SECOND_LEVEL_GRANT_SIZE
const deviceGrants: usize = memory.data(3072, 8); // MAXIMUM_SOURCES * DEVICE_GRANT_SIZE
const interruptGrants: usize = memory.data(8192, 8); // INTERRUPT_ENTRIES * INTERRUPT_GRANT_SIZE

const partitionMemory: usize = memory.data(256, 8); // MAXIMUM_PARTITIONS * PROTECTED_SIZE

let grantCount: u32 = 0;
let leafAttributes: u64 = 0;

/** Stops the boot unless every table is exactly what the policy grants. */
export function sealRemapping(): void {
  require(attachRemapping() || failWalk("a source id is listed twice", 0, 0));
  limitLeaves(allLargePages());
  limitTables(BOOT_DIRECT_END, partitionMemory, listPartitionMemory());
  leafAttributes = READ | WRITE | (allSnoop() ? SNOOP : 0);
  for (let partition: u32 = 0; partition < partitionCount(); partition++) {
    if (field64(partition, PlanPartition.DomainRoot) != 0) require(checkDomain(partition));
  }
  for (let i: u32 = 0; i < unitCount(); i++) {
    const unit = unitAt(i);
    require(checkDeviceTables(unit.rootTable, unit.isScalable != 0, deviceGrants, listSources(i)));
    require(checkInterruptTable(unit.interruptTable, INTERRUPT_ENTRIES, interruptGrants, listInterrupts(unit), usesExtendedDestinations(unit)));
  }
}

/** Where no table may lie; returns the number of records. */
function listPartitionMemory(): u32 {
  for (let partition: u32 = 0; partition < partitionCount(); partition++) {
    const record = changetype<Protected>(partitionMemory + <usize>partition * PROTECTED_SIZE);
    record.base = field64(partition, PlanPartition.MemoryBase);
    record.end = record.base + memorySize(partition);
  }
  return partitionCount();
}

function memorySize(partition: u32): u64 {
  return field64(partition, PlanPartition.LowMemory) + field64(partition, PlanPartition.HighMemory);
}

/** Large leaves that every unit knows. */
function allLargePages(): u32 {
  let largePages: u32 = 3;
  for (let i: u32 = 0; i < unitCount(); i++) largePages &= secondLevelLargePages(unitAt(i).capability);
  return largePages;
}

/** SNP is reserved where a unit lacks snoop control, and in scalable mode a matter of the PASID table. */
function allSnoop(): bool {
  for (let i: u32 = 0; i < unitCount(); i++) {
    if ((unitAt(i).extended & ECAP_SC) == 0 || unitAt(i).isScalable != 0) return false;
  }
  return true;
}

function require(isGood: bool): void {
  if (isGood) return;
  reportFatal(FatalReason.SealRemapping);
  print("  ");
  print(walkFailure());
  print(": at %16x, entry %16x\n", walkFailureAddress(), walkFailureEntry());
  stop();
}

function checkDomain(partition: u32): bool {
  grantCount = 0;
  const base = field64(partition, PlanPartition.MemoryBase);
  const low = field64(partition, PlanPartition.LowMemory);
  const high = field64(partition, PlanPartition.HighMemory);
  addGrant(0, base, low);
  if (high != 0) addGrant(HIGH_MEMORY_BASE, base + low, high);
  addReservedMemory(partition);
  protectOthers(partition);
  if (protectedOverflowed() || grantCount == MAXIMUM_GRANTS) return failWalk("a partition has more memory than the seal can list", partition, 0);
  return checkSecondLevel(field64(partition, PlanPartition.DomainRoot), header32(PlanHeader.TableLevels), grants, grantCount, protectedRanges(), protectedCount());
}

function addGrant(from: u64, to: u64, length: u64): void {
  if (grantCount == MAXIMUM_GRANTS) return;
  const grant = changetype<SecondLevelGrant>(grants + <usize>grantCount * SECOND_LEVEL_GRANT_SIZE);
  grant.from = from;
  grant.to = to;
  grant.length = length;
  grant.attributes = leafAttributes;
  grantCount++;
}

function addReservedMemory(partition: u32): void {
  for (let index: u32 = 0; index < header32(PlanHeader.ReservedCount); index++) {
    const record = planReserved(index);
    const base = load64(record + PlanReserved.Base);
    if (load32(record + PlanReserved.Partition) == partition) addGrant(base, base, load64(record + PlanReserved.Length));
  }
}

/** What no device of this partition may reach, whatever the grants say. */
function protectOthers(partition: u32): void {
  clearProtected();
  protect(imageAddress(ImageSymbol.Start), imageAddress(ImageSymbol.End));
  protectPages(planAddress(), PLAN_PAGES);
  for (let module: u32 = 0; module < moduleCount(); module++) protect(moduleAddress(module), moduleAddress(module) + moduleSize(module));
  for (let i: u32 = 0; i < unitCount(); i++) {
    protectPages(unitAt(i).registers, unitAt(i).registersLength / PAGE_SIZE);
    if (unitAt(i).queue != 0) protectPages(unitAt(i).queue, 2);
    protectPages(unitAt(i).rootTable, 1);
    protectPages(unitAt(i).interruptTable, 1);
  }
  for (let other: u32 = 0; other < partitionCount(); other++) {
    protectPages(field64(other, PlanPartition.EptRoot), 1);
    for (let vcpu: u32 = 0; vcpu < partitionVcpuCount(other); vcpu++) protectPages(vcpuControl(other, vcpu), 1);
    protectPages(field64(other, PlanPartition.IoBitmaps), IO_BITMAP_PAGES);
    protectPages(field64(other, PlanPartition.MsrBitmap), MSR_BITMAP_PAGES);
    protectPages(field64(other, PlanPartition.Monitor), MONITOR_MEMORY_PAGES + 1);
    protectPages(field64(other, PlanPartition.Status), 1);
    if (other == partition) continue;
    const base = field64(other, PlanPartition.MemoryBase);
    protect(base, base + memorySize(other));
  }
}

/** Lists the source ids that a unit serves; returns their number. */
function listSources(unit: u32): u32 {
  let count: u32 = 0;
  for (let i: u32 = 0; i < sourceCount(); i++) {
    const source = sourceAt(i);
    if (source.unit != unit) continue;
    const grant = changetype<DeviceGrant>(deviceGrants + <usize>count * DEVICE_GRANT_SIZE);
    grant.sourceId = source.sourceId;
    grant.domainId = domainOf(source.partition);
    grant.root = field64(source.partition, PlanPartition.DomainRoot);
    grant.levels = header32(PlanHeader.TableLevels);
    grant.deviceTlb = source.deviceTlb;
    count++;
  }
  return count;
}

function listInterrupts(unit: Unit): u32 {
  let count: u32 = 0;
  for (let record: u32 = 0; record < functionCount(); record++) {
    if (function32(record, PlanFunction.Unit) != unit.index) continue;
    const messages = function32(record, PlanFunction.Messages);
    for (let message: u32 = 0; message < messages; message++) listMessage(count++, record, message);
  }
  if (header32(PlanHeader.InputUnit) == unit.index) listInput(count++);
  return count;
}

/** COM1's interrupt. */
function listInput(slot: u32): void {
  const grant = interruptGrantAt(slot);
  grant.index = header32(PlanHeader.InputEntry);
  grant.vector = HostVector.ConsoleInput;
  grant.destination = coreApicId(0);
  grant.levelTriggered = header32(PlanHeader.InputLevel);
  grant.sourceValidation = header32(PlanHeader.InputValidation);
}

function interruptGrantAt(slot: u32): InterruptGrant {
  const grant = changetype<InterruptGrant>(interruptGrants + <usize>slot * INTERRUPT_GRANT_SIZE);
  memory.fill(changetype<usize>(grant), 0, INTERRUPT_GRANT_SIZE);
  return grant;
}

function listMessage(slot: u32, record: u32, message: u32): void {
  const grant = interruptGrantAt(slot);
  grant.index = function32(record, PlanFunction.FirstEntry) + message;
  grant.vector = function32(record, PlanFunction.FirstVector) + message;
  grant.destination = vcpuApicId(function32(record, PlanFunction.Partition), 0);
  grant.sourceValidation = function32(record, PlanFunction.SourceValidation);
  if ((unitAt(function32(record, PlanFunction.Unit)).capability & CAP_PI) != 0) {
    grant.descriptor = field64(function32(record, PlanFunction.Partition), PlanPartition.PostedDescriptor);
  }
}
