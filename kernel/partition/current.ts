// The partition that this core runs.

import { coreId } from "../boot/stub";
import * as phys from "../memory/physical";
import { printByte } from "../console/print";
import { NAME_LENGTH } from "../policy/layout";
import { partitionDevices, partitionHypercalls, partitionName } from "../policy/reader";
import { NO_PARTITION, partitionOfCore } from "./plan";

let partition: u32 = NO_PARTITION;
let devices: u32 = 0;
let hypercalls: u32 = 0;

/** Looks up this core's partition; NO_PARTITION if it runs none. */
export function attachPartition(): u32 {
  partition = partitionOfCore(coreId());
  if (partition == NO_PARTITION) return NO_PARTITION;
  devices = partitionDevices(partition);
  hypercalls = partitionHypercalls(partition);
  return partition;
}

export function currentPartition(): u32 { return partition; }
export function hasDevice(device: u32): bool { return (devices & device) != 0; }
export function mayCall(hypercall: u64): bool { return hypercall < 32 && ((hypercalls >> <u32>hypercall) & 1) != 0; }

export function printPartitionName(index: u32): void {
  const name = partitionName(index);
  for (let i: u64 = 0; i < NAME_LENGTH; i++) {
    const byte = phys.load8(name + i);
    if (byte == 0) return;
    printByte(byte);
  }
}
