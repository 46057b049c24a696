// What a core reaches of the PCI functions that its partition owns: their configuration pages, MSI-X tables, and
// the bridge that is reset with a function. It reaches no other function's.

import { addDirectRange } from "../memory/direct-ranges";
import { PAGE_SIZE } from "../memory/layout";
import { Mapping } from "../memory/paging";
import { protect, protectPages } from "../memory/protected-ranges";
import { PlanPartition, field64 } from "../partition/plan";
import { PlanFunction, function32, function64, functionCount } from "../partition/plan-functions";
import { partitionCount } from "../policy/reader";

const MSIX_ENTRY: u64 = 16;

function msixLength(index: u32): u64 {
  return function32(index, PlanFunction.HasMsix) != 0 ? <u64>function32(index, PlanFunction.Messages) * MSIX_ENTRY : 0;
}

export function addFunctionRanges(partition: u32): void {
  const descriptor = field64(partition, PlanPartition.PostedDescriptor);
  if (descriptor != 0) addDirectRange(descriptor, PAGE_SIZE, Mapping.Writable);
  for (let index: u32 = 0; index < functionCount(); index++) {
    if (function32(index, PlanFunction.Partition) != partition) continue;
    addDirectRange(function64(index, PlanFunction.ConfigPage), PAGE_SIZE, Mapping.Writable | Mapping.Uncached);
    const bridge = function64(index, PlanFunction.Bridge);
    if (bridge != 0) addDirectRange(bridge, PAGE_SIZE, Mapping.Writable | Mapping.Uncached);
    const length = msixLength(index);
    if (length != 0) addDirectRange(function64(index, PlanFunction.MsixAddress), length, Mapping.Writable | Mapping.Uncached);
  }
}

/** Adds to the ranges that the seal protects from a core the functions that its partition `own` does not own. */
export function protectFunctions(own: u32): void {
  for (let partition: u32 = 0; partition < partitionCount(); partition++) {
    const descriptor = field64(partition, PlanPartition.PostedDescriptor);
    if (partition != own && descriptor != 0) protectPages(descriptor, 1);
  }
  for (let index: u32 = 0; index < functionCount(); index++) {
    if (function32(index, PlanFunction.Partition) == own) continue;
    protectPages(function64(index, PlanFunction.ConfigPage), 1);
    const bridge = function64(index, PlanFunction.Bridge);
    if (bridge != 0) protectPages(bridge, 1);
    const address = function64(index, PlanFunction.MsixAddress);
    const length = msixLength(index);
    if (length != 0) protect(address, address + length);
  }
}
