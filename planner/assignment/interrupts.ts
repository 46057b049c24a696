// Entries of the interrupt remapping tables for the messages of assigned functions: each message of a function leads to one
// vector on the core of its partition's first vCPU, and only that function may send it.

import { NO_FUNCTION, findFunction, functionAt } from "../drivers/pci/functions";
import { aliasCount } from "../drivers/pci/aliases";
import { ExpressType } from "../../drivers/pci/registers";
import { FatalReason, fatalWith } from "../../kernel/boot/fatal";
import { HostVector } from "../../drivers/vectors";
import { PlanPartition, field64, setField64, vcpuApicId } from "../../kernel/partition/plan";
import { PlanFunction, function32, functionCount } from "../../kernel/partition/plan-functions";
import { allocateOrStop } from "../partition/setup";
import { busRangeValidation, sourceValidation } from "../vtd/interrupt-entry";
import { usesExtendedDestinations } from "../../kernel/vtd/interrupt-remapping";
import { EntryStatus, NO_ENTRY, allocateEntries, writeEntry, writePostedEntry } from "../vtd/interrupt-table";
import { canPost, prepareDescriptor } from "../../kernel/vtd/posted-descriptor";
import { Unit, unitAt } from "../../kernel/vtd/unit";
import { setFunction32 } from "../partition/plan-writer";

export function buildInterruptEntries(): void {
  for (let record: u32 = 0; record < functionCount(); record++) enterMessages(record);
}

function enterMessages(record: u32): void {
  const unit = unitAt(function32(record, PlanFunction.Unit));
  const messages = function32(record, PlanFunction.Messages);
  const first = allocateEntries(unit, messages);
  if (first == NO_ENTRY) return fatalWith(FatalReason.RemappingTables, "interrupt entries wanted", messages);
  setFunction32(record, PlanFunction.FirstEntry, first);
  setFunction32(record, PlanFunction.SourceValidation, validationOf(record));
  const descriptor = canPost(unit) ? descriptorOf(function32(record, PlanFunction.Partition), unit) : 0;
  for (let message: u32 = 0; message < messages; message++) {
    const status = enterMessage(record, unit, first + message, function32(record, PlanFunction.FirstVector) + message, descriptor);
    if (status != EntryStatus.Done) fatalWith(FatalReason.RemappingTables, "interrupt entry status", status);
  }
}

function enterMessage(record: u32, unit: Unit, index: u32, vector: u32, descriptor: u64): EntryStatus {
  if (descriptor != 0) return writePostedEntry(unit, index, vector, descriptor, false, function32(record, PlanFunction.SourceValidation));
  return writeEntry(unit, index, vector, vcpuApicId(function32(record, PlanFunction.Partition), 0), false, function32(record, PlanFunction.SourceValidation));
}

/** Where the functions of a partition post, made at first: one exit then serves all messages that came meanwhile. */
function descriptorOf(partition: u32, unit: Unit): u64 {
  if (field64(partition, PlanPartition.PostedDescriptor) == 0) {
    const descriptor = allocateOrStop(1);
    prepareDescriptor(descriptor, HostVector.DevicesPosted, vcpuApicId(partition, 0), usesExtendedDestinations(unit));
    setField64(partition, PlanPartition.PostedDescriptor, descriptor);
  }
  return field64(partition, PlanPartition.PostedDescriptor);
}

/**
 * Who may send a function's messages. Behind a bridge from PCI Express to conventional PCI they come under the numbers of its
 * buses; one without a PCI Express capability puts its own source id in their place (VT-d 4.1 3.4.1).
 */
function validationOf(record: u32): u32 {
  const sourceId = function32(record, PlanFunction.SourceId);
  const index = findFunction(function32(record, PlanFunction.Segment), sourceId);
  const bridge = topConventionalBridge(index);
  if (bridge == NO_FUNCTION) return sourceValidation(sourceId);
  const top = functionAt(bridge);
  if (top.expressType == <u32>ExpressType.None) return sourceValidation(top.sourceId);
  return busRangeValidation(top.secondaryBus, top.subordinateBus);
}

/** The bridge above that gives source ids of its own to what passes, and has no other such bridge above; NO_FUNCTION if none does. */
function topConventionalBridge(index: u32): u32 {
  let top: u32 = NO_FUNCTION;
  for (let bridge = functionAt(index).parent; bridge != NO_FUNCTION; bridge = functionAt(bridge).parent) {
    if (aliasCount(bridge) > 1) top = bridge;
  }
  return top;
}
