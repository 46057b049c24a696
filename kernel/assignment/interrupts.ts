// Entries of the interrupt remapping tables for the messages of assigned functions: each message of a function leads to one
// vector on the core of its partition, and only that function may send it.

import { coreApicId } from "../../drivers/acpi/madt";
import { NO_FUNCTION, findFunction, functionAt } from "../../drivers/pci/functions";
import { aliasCount } from "../../drivers/pci/aliases";
import { ExpressType } from "../../drivers/pci/registers";
import { FatalReason, fatalWith } from "../boot/fatal";
import { PlanFunction, function32, functionCount, setFunction32 } from "../partition/plan-functions";
import { partitionCore } from "../policy/reader";
import { busRangeValidation, sourceValidation } from "../vtd/interrupt-entry";
import { EntryStatus, NO_ENTRY, allocateEntries, writeEntry } from "../vtd/interrupt-table";
import { unitAt } from "../vtd/unit";

export function buildInterruptEntries(): void {
  for (let record: u32 = 0; record < functionCount(); record++) enterMessages(record);
}

function enterMessages(record: u32): void {
  const unit = unitAt(function32(record, PlanFunction.Unit));
  const messages = function32(record, PlanFunction.Messages);
  const first = allocateEntries(unit, messages);
  if (first == NO_ENTRY) return fatalWith(FatalReason.RemappingTables, "interrupt entries wanted", messages);
  setFunction32(record, PlanFunction.FirstEntry, first);
  const apicId = coreApicId(partitionCore(function32(record, PlanFunction.Partition)));
  for (let message: u32 = 0; message < messages; message++) {
    const vector = function32(record, PlanFunction.FirstVector) + message;
    const status = writeEntry(unit, first + message, vector, apicId, false, validationOf(record));
    if (status != EntryStatus.Done) fatalWith(FatalReason.RemappingTables, "interrupt entry status", status);
  }
}

/**
 * Who may send a function's messages. Behind a bridge from PCI Express to conventional PCI they come under the numbers of its
 * buses; one without a PCI Express capability puts its own source id in their place (VT-d 4.1 3.4.1).
 */
export function validationOf(record: u32): u32 {
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
