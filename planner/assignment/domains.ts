// The DMA domains: what the devices of each partition reach. The partition's memory at its guest-physical addresses, and
// reserved memory of the firmware if the policy says so for that device.

import { reservedMemoryBase, reservedMemoryCount, reservedMemoryLimit } from "../drivers/acpi/dmar/records";
import { NO_ALIAS, aliasAt } from "../drivers/pci/aliases";
import { findFunction, functionAt, functionCount as scannedFunctions } from "../drivers/pci/functions";
import { FatalReason, fatal, fatalWith } from "../../kernel/boot/fatal";
import { HIGH_MEMORY_BASE } from "../../monitor/interface";
import { MapStatus } from "../memory/page-tree";
import { PlanPartition, field64 } from "../../kernel/partition/plan";
import { PlanFunction, function32, functionCount } from "../../kernel/partition/plan-functions";
import { DeviceFlag } from "../../kernel/policy/layout";
import { ContextStatus, attachSource, makeContextTable } from "../vtd/context";
import { domainRoot, grantMemory, hasDomain } from "../vtd/domain";
import { NO_UNIT, reservedMemoryIsFor, unitOf } from "../vtd/scope";
import { NO_SOURCE, addSource, domainOf, findSource, sourceAt } from "../../kernel/vtd/sources";
import { unitAt } from "../../kernel/vtd/unit";
import { planReservedMemory } from "./hand-over";

/** Builds every domain and enters every source id of every assigned function. */
export function buildDomains(): void {
  makeContextTables();
  for (let record: u32 = 0; record < functionCount(); record++) {
    const partition = function32(record, PlanFunction.Partition);
    if (!hasDomain(partition)) grantPartition(partition);
    if ((function32(record, PlanFunction.Flags) & DeviceFlag.ReservedMemory) != 0) grantReservedMemory(record);
    attachFunction(record);
  }
}

/** Each function that is there has an entry, so that any of them can be switched off later, when no frame can be had. */
function makeContextTables(): void {
  for (let index: u32 = 0; index < scannedFunctions(); index++) {
    const found = functionAt(index);
    const unit = unitOf(found.segment, found.sourceId);
    if (unit != NO_UNIT && !makeContextTable(unitAt(unit), found.sourceId)) fatal(FatalReason.OutOfFrames);
  }
}

function grantPartition(partition: u32): void {
  const base = field64(partition, PlanPartition.MemoryBase);
  const low = field64(partition, PlanPartition.LowMemory);
  const high = field64(partition, PlanPartition.HighMemory);
  requireMapped(grantMemory(partition, 0, base, low));
  if (high != 0) requireMapped(grantMemory(partition, HIGH_MEMORY_BASE, base + low, high));
}

/** A device of the firmware's uses these addresses as they are (VT-d 4.1 8.4). */
function grantReservedMemory(record: u32): void {
  const segment = function32(record, PlanFunction.Segment);
  const sourceId = function32(record, PlanFunction.SourceId);
  for (let index: u32 = 0; index < reservedMemoryCount(); index++) {
    if (!reservedMemoryIsFor(index, segment, sourceId)) continue;
    const base = reservedMemoryBase(index);
    const status = grantMemory(function32(record, PlanFunction.Partition), base, base, reservedMemoryLimit(index) + 1 - base);
    // Two devices of one partition may share it.
    if (status == MapStatus.AlreadyMapped) continue;
    requireMapped(status);
    planReservedMemory(function32(record, PlanFunction.Partition), base, reservedMemoryLimit(index) + 1 - base);
  }
}

function requireMapped(status: MapStatus): void {
  if (status != MapStatus.Done) fatalWith(FatalReason.RemappingTables, "second-level map status", status);
}

function attachFunction(record: u32): void {
  const segment = function32(record, PlanFunction.Segment);
  const index = findFunction(segment, function32(record, PlanFunction.SourceId));
  for (let n: u32 = 0; aliasAt(index, n) != NO_ALIAS; n++) attachAlias(record, segment, aliasAt(index, n), n == 0);
}

function attachAlias(record: u32, segment: u32, sourceId: u32, isOwn: bool): void {
  const partition = function32(record, PlanFunction.Partition);
  const known = findSource(segment, sourceId);
  if (known != NO_SOURCE && sourceAt(known).partition == partition) return; // an alias that it shares with another device of the partition
  const unit = function32(record, PlanFunction.Unit);
  const deviceTlb = isOwn && (function32(record, PlanFunction.Flags) & DeviceFlag.DeviceTlb) != 0;
  const source = addSource(segment, sourceId, unit, partition);
  if (source == NO_SOURCE) return fatalWith(FatalReason.RemappingTables, "source id", sourceId);
  sourceAt(source).deviceTlb = deviceTlb ? 1 : 0;
  const status = attachSource(unitAt(unit), sourceId, domainOf(partition), domainRoot(partition), deviceTlb);
  if (status != ContextStatus.Done) fatalWith(FatalReason.RemappingTables, "context status", status);
}
