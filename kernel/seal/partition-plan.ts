// What of the plan follows from the policy and the modules alone. The planner writes it to build by it, the seal once more to go by it.

import { Image } from "../../monitor/imports";
import { ImageKind, LOW_MEMORY_LIMIT, MAXIMUM_ROM, ROM_GRANULE } from "../../monitor/interface";
import { PlanHeader, PlanPartition, clearCore, header32, imageLength, placeVcpu, setField64, setHeader64, setImage } from "../partition/plan";
import { coreApicId, moduleAddress, moduleSize } from "../partition/plan-machine";
import { setBase } from "../policy/record";
import * as policy from "../policy/reader";

/** The policy is module 0. */
export function locatePolicy(): void {
  setHeader64(PlanHeader.Policy, moduleAddress(0));
  setHeader64(PlanHeader.PolicySize, moduleSize(0));
  setBase(moduleAddress(0));
}

/** Memory, images and cores of all partitions; the policy has been checked. */
export function placePartitions(): void {
  for (let core: u32 = 0; core < header32(PlanHeader.CoreCount); core++) clearCore(core);
  for (let partition: u32 = 0; partition < policy.partitionCount(); partition++) describePartition(partition);
}

function describePartition(partition: u32): void {
  const low = min(policy.partitionMemory(partition), LOW_MEMORY_LIMIT);
  setField64(partition, PlanPartition.LowMemory, low);
  setField64(partition, PlanPartition.HighMemory, policy.partitionMemory(partition) - low);
  setModule(partition, Image.Kernel, true, policy.partitionKernelModule(partition));
  setModule(partition, Image.InitialRamDisk, policy.partitionHasRamDisk(partition), policy.partitionRamDiskModule(partition));
  setModule(partition, Image.Disk, policy.partitionHasDisk(partition), policy.partitionDiskModule(partition));
  setImage(partition, Image.CommandLine, policy.partitionCommandLine(partition), policy.partitionCommandLineLength(partition));
  setField64(partition, PlanPartition.RomSize, romSize(partition));
  for (let vcpu: u32 = 0; vcpu < policy.partitionVcpuCount(partition); vcpu++) {
    const core = policy.partitionCore(partition, vcpu);
    placeVcpu(partition, vcpu, core, coreApicId(core));
  }
}

function setModule(partition: u32, image: u32, exists: bool, module: u32): void {
  setImage(partition, image, exists ? moduleAddress(module) : 0, exists ? moduleSize(module) : 0);
}

/** Bytes of frames for a ROM; 0 if there is none, or one of a size that none can have, as its monitor says when it starts. */
function romSize(partition: u32): u64 {
  const size = imageLength(partition, Image.Kernel);
  return policy.partitionImageKind(partition) == ImageKind.Firmware && size <= MAXIMUM_ROM && size % ROM_GRANULE == 0 ? size : 0;
}
