// The policy as far as the kernel relies on it: what it counts and points to exists, cores have one vCPU, and what a partition may write is
// its own. All else that can be wrong with it harms the partition that it is wrong about; the planner has told (planner/policy/).

import { MAXIMUM_VCPUS } from "../../monitor/interface";
import { PlanHeader, header32, header64 } from "../partition/plan";
import { moduleCount } from "../partition/plan-machine";
import { MAXIMUM_DEVICES, MAXIMUM_PARTITIONS, PolicyDevice, PolicyHeader, PolicyPartition } from "../policy/layout";
import * as policy from "../policy/reader";
import { byteAddress } from "../policy/record";
import { refusePlan } from "./claims";

/** Memory of a partition: a multiple of 2 MiB, below 1 TiB so that no sum overflows. */
const MEMORY_GRANULE: u64 = 0x200000;
const MEMORY_LIMIT: u64 = 0x10000000000;

let cores: u64 = 0;

function require(isTrue: bool, partition: u32): void {
  if (!isTrue) refusePlan("policy of partition", partition);
}

export function checkPolicy(): void {
  const size = header64(PlanHeader.PolicySize);
  cores = 0;
  require(size >= <u64>PolicyHeader.Partitions, 0);
  const count = policy.partitionCount();
  require(count != 0 && count <= MAXIMUM_PARTITIONS && policy.deviceCount() <= MAXIMUM_DEVICES, 0);
  require(<u64>PolicyHeader.Partitions + <u64>count * <u64>PolicyPartition.Size + <u64>policy.deviceCount() * <u64>PolicyDevice.Size <= size, 0);
  for (let partition: u32 = 0; partition < count; partition++) checkPartition(partition, size);
}

function checkPartition(partition: u32, size: u64): void {
  const vcpus = policy.partitionVcpuCount(partition);
  require(vcpus != 0 && vcpus <= <u32>MAXIMUM_VCPUS, partition);
  for (let vcpu: u32 = 0; vcpu < vcpus; vcpu++) checkCore(partition, policy.partitionCore(partition, vcpu));
  const bytes = policy.partitionMemory(partition);
  require(bytes != 0 && bytes <= MEMORY_LIMIT && bytes % MEMORY_GRANULE == 0, partition);
  require(isModule(policy.partitionKernelModule(partition)), partition);
  require(!policy.partitionHasRamDisk(partition) || isModule(policy.partitionRamDiskModule(partition)), partition);
  require(!policy.partitionHasDisk(partition) || isModule(policy.partitionDiskModule(partition)), partition);
  const commandLine = policy.partitionCommandLine(partition) - byteAddress(0);
  require(commandLine <= size && policy.partitionCommandLineLength(partition) <= size - commandLine, partition);
  for (let other: u32 = 0; other < policy.partitionCount(); other++) checkDisk(partition, other);
}

function checkCore(partition: u32, core: u32): void {
  require(core < header32(PlanHeader.CoreCount) && (cores >> core & 1) == 0, partition);
  cores |= <u64>1 << core;
}

function isModule(module: u32): bool { return module >= 1 && module < moduleCount(); }

/** A disk that is written is nobody else's disk and nobody's image. */
function checkDisk(partition: u32, other: u32): void {
  const disk = policy.partitionDiskModule(partition);
  if (!policy.partitionHasDisk(partition) || !policy.partitionMayWriteModule(partition, disk)) return;
  require(policy.partitionKernelModule(other) != disk && policy.partitionRamDiskModule(other) != disk, partition);
  require(other == partition || policy.partitionDiskModule(other) != disk, partition);
}
