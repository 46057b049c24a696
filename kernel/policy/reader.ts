// The policy that the kernel enforces. Getters are for use after validatePolicy() said Valid.

import {
  HealthAction, Hypercall, NO_MODULE, PartitionFlag, PolicyFlag, PolicyHeader, PolicyPartition,
} from "./layout";
import { byteAddress, field32, field64, fieldAddress, header32 } from "./record";

export { PolicyStatus, describePolicyStatus } from "./status";
export { failedPartition, validatePolicy } from "./validate";

export function partitionCount(): u32 {
  return header32(PolicyHeader.PartitionCount);
}

/** Modules after policy.bin. */
export function moduleCount(): u32 {
  return header32(PolicyHeader.ModuleCount);
}

export function powersOffWhenDone(): bool {
  return (header32(PolicyHeader.Flags) & PolicyFlag.PowerOffWhenDone) != 0;
}

/** Physical address of the name: ASCII, zero terminated, at most NAME_LENGTH bytes with the terminator. */
export function partitionName(partition: u32): u64 {
  return fieldAddress(partition, PolicyPartition.Name);
}

export function partitionCore(partition: u32): u32 {
  return field32(partition, PolicyPartition.Core);
}

export function partitionVcpuCount(partition: u32): u32 {
  return field32(partition, PolicyPartition.VcpuCount);
}

/** Bytes, a multiple of 2 MiB. */
export function partitionMemory(partition: u32): u64 {
  return field64(partition, PolicyPartition.MemorySize);
}

/** ImageKind of monitor/interface.ts. */
export function partitionImageKind(partition: u32): u32 {
  return field32(partition, PolicyPartition.ImageKind);
}

/** Module number, policy.bin being 0. */
export function partitionKernelModule(partition: u32): u32 {
  return field32(partition, PolicyPartition.KernelModule);
}

export function partitionHasRamDisk(partition: u32): bool {
  return field32(partition, PolicyPartition.RamDiskModule) != NO_MODULE;
}

/** Module number, policy.bin being 0; NO_MODULE if there is none. */
export function partitionRamDiskModule(partition: u32): u32 {
  return field32(partition, PolicyPartition.RamDiskModule);
}

/** Physical address of the command line, which has no terminator. */
export function partitionCommandLine(partition: u32): u64 {
  return byteAddress(field32(partition, PolicyPartition.CommandLineOffset));
}

/** Bytes. */
export function partitionCommandLineLength(partition: u32): u32 {
  return field32(partition, PolicyPartition.CommandLineLength);
}

/** Mask of Device of monitor/interface.ts. */
export function partitionDevices(partition: u32): u32 {
  return field32(partition, PolicyPartition.Devices);
}

/** Mask of hypercalls granted, bit n for hypercall n. */
export function partitionHypercalls(partition: u32): u32 {
  return field32(partition, PolicyPartition.Hypercalls);
}

export function partitionMayCall(partition: u32, hypercall: Hypercall): bool {
  return ((partitionHypercalls(partition) >> <u32>hypercall) & 1) != 0;
}

export function partitionHasKeyboard(partition: u32): bool {
  return (field32(partition, PolicyPartition.Flags) & PartitionFlag.InitialKeyboard) != 0;
}

export function onMemoryViolation(partition: u32): HealthAction {
  return field32(partition, PolicyPartition.OnMemoryViolation);
}

export function onPortViolation(partition: u32): HealthAction {
  return field32(partition, PolicyPartition.OnPortViolation);
}

export function onMsrViolation(partition: u32): HealthAction {
  return field32(partition, PolicyPartition.OnMsrViolation);
}

/** Restart or Stop. */
export function onFault(partition: u32): HealthAction {
  return field32(partition, PolicyPartition.OnFault);
}

/** Restarts before the partition is stopped for good. */
export function restartLimit(partition: u32): u32 {
  return field32(partition, PolicyPartition.RestartLimit);
}
