// What a core reaches of the PCI functions that its partition owns: their configuration pages, MSI-X tables, and
// the bridge that is reset with a function. It reaches no other function's.

import { addDirectRange } from "../memory/direct-ranges";
import { PAGE_SIZE } from "../memory/layout";
import { Mapping } from "../memory/paging";
import { PlanPartition, field64 } from "../partition/plan";
import { PlanFunction, function32, function64, functionCount } from "../partition/plan-functions";

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
