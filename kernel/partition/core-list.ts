// "core 1" or "cores 1, 2": those of a partition's vCPUs.

import { print, printDecimal } from "../console/print";
import { partitionCore, partitionVcpuCount } from "../policy/reader";

export function printCores(partition: u32): void {
  const count = partitionVcpuCount(partition);
  print(count == 1 ? "core " : "cores ");
  for (let vcpu: u32 = 0; vcpu < count; vcpu++) {
    if (vcpu != 0) print(", ");
    printDecimal(partitionCore(partition, vcpu));
  }
}
