// Entries of the interrupt remapping tables for the messages of assigned functions: each message of a function leads to one
// vector on the core of its partition, and only that function may send it.

import { coreApicId } from "../../drivers/acpi/madt";
import { NO_FUNCTION, findFunction, functionAt } from "../../drivers/pci/functions";
import { aliasCount } from "../../drivers/pci/aliases";
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

/** Behind a bridge from conventional PCI a message comes under the bridge's numbers: then all its buses count. */
export function validationOf(record: u32): u32 {
  const sourceId = function32(record, PlanFunction.SourceId);
  const index = findFunction(function32(record, PlanFunction.Segment), sourceId);
  if (aliasCount(index) == 1) return sourceValidation(sourceId);
  let bridge = functionAt(index).parent;
  let top = bridge;
  for (; bridge != NO_FUNCTION; bridge = functionAt(bridge).parent) {
    if (aliasCount(bridge) > 1) top = bridge;
  }
  return busRangeValidation(functionAt(top).secondaryBus, functionAt(top).subordinateBus);
}
