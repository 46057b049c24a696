// Reserved memory of the firmware (RMRR) that the policy opens to a device. The device uses it at its host-physical addresses,
// so that the partition must not have memory of its own there.

import { reservedMemoryBase, reservedMemoryCount, reservedMemoryLimit } from "../drivers/acpi/dmar/records";
import { functionAt } from "../drivers/pci/functions";
import { HIGH_MEMORY_BASE, LOW_MEMORY_LIMIT } from "../../monitor/interface";
import { devicePartition, partitionMemory } from "../../kernel/policy/reader";
import { reservedMemoryIsFor } from "../vtd/scope";
import { refuse } from "./refusal";

/** Refuses device `device` of the policy, which is function `index`, if its reserved memory cannot be mapped; false then. */
export function checkReservedMemory(device: u32, index: u32): bool {
  const found = functionAt(index);
  for (let reserved: u32 = 0; reserved < reservedMemoryCount(); reserved++) {
    if (!reservedMemoryIsFor(reserved, found.segment, found.sourceId)) continue;
    const base = reservedMemoryBase(reserved);
    if (!isOwnMemory(devicePartition(device), base, reservedMemoryLimit(reserved))) continue;
    return refuse(device, "its reserved memory at %12x lies at addresses of the partition's own memory; give the partition less", base);
  }
  return true;
}

/** Whether the partition's devices reach its own memory at an address from `first` to `last`. */
function isOwnMemory(partition: u32, first: u64, last: u64): bool {
  const size = partitionMemory(partition);
  const low = min(size, LOW_MEMORY_LIMIT);
  return first < low || (first < HIGH_MEMORY_BASE + size - low && last >= HIGH_MEMORY_BASE);
}
