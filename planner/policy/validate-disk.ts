// Checks the virtual disk of a partition: a module that no other record names if the partition may write it.

import { Device, DiskFlag } from "../../monitor/interface";
import { NO_MODULE, PolicyHeader, PolicyPartition } from "../../kernel/policy/layout";
import { field32, header32 } from "../../kernel/policy/record";
import { PolicyStatus } from "./status";

/** Checks the disk of `partition`; `modules` follow policy.bin. */
export function validateDisk(partition: u32, modules: u32): PolicyStatus {
  const module = field32(partition, PolicyPartition.DiskModule);
  const flags = field32(partition, PolicyPartition.DiskFlags);
  if ((flags & ~<u32>DiskFlag.ReadOnly) != 0) return PolicyStatus.UnknownDiskFlag;
  if (module == NO_MODULE) return flags == 0 ? PolicyStatus.Valid : PolicyStatus.UnknownDiskFlag;
  if (module == 0 || module > modules) return PolicyStatus.WrongDiskModule;
  if ((field32(partition, PolicyPartition.Devices) & Device.Pci) == 0) return PolicyStatus.DiskWithoutPci;
  if ((flags & DiskFlag.ReadOnly) == 0 && isNamedElsewhere(partition, module)) return PolicyStatus.DiskTaken;
  return PolicyStatus.Valid;
}

/** Whether a record names the module but as the disk of `owner`. */
function isNamedElsewhere(owner: u32, module: u32): bool {
  const count = header32(PolicyHeader.PartitionCount);
  for (let partition: u32 = 0; partition < count; partition++) {
    if (field32(partition, PolicyPartition.KernelModule) == module || field32(partition, PolicyPartition.RamDiskModule) == module) return true;
    if (partition != owner && field32(partition, PolicyPartition.DiskModule) == module) return true;
  }
  return false;
}
