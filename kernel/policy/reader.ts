// The policy that the kernel enforces. Getters are for use after validatePolicy() said Valid.

import { DiskFlag } from "../../monitor/interface";
import {
  DeviceMatch, HealthAction, NO_MODULE, PartitionFlag, PolicyDevice, PolicyFlag, PolicyHeader, PolicyPartition,
} from "./layout";
import { byteAddress, deviceField32, field32, field64, field8, fieldAddress, header32 } from "./record";

export function partitionCount(): u32 { return header32(PolicyHeader.PartitionCount); }

/** Modules after policy.bin. */
export function moduleCount(): u32 { return header32(PolicyHeader.ModuleCount); }

export function powersOffWhenDone(): bool { return (header32(PolicyHeader.Flags) & PolicyFlag.PowerOffWhenDone) != 0; }

/** Whether VT-d is to run in scalable mode; legacy mode if not. */
export function usesScalableRemapping(): bool {
  return (header32(PolicyHeader.Flags) & PolicyFlag.ScalableRemapping) != 0;
}

/** Physical address of the name: ASCII, zero terminated, at most NAME_LENGTH bytes with the terminator. */
export function partitionName(partition: u32): u64 { return fieldAddress(partition, PolicyPartition.Name); }

/** Core that runs a vCPU; the first vCPU is the boot processor. */
export function partitionCore(partition: u32, vcpu: u32): u32 {
  return field8(partition, PolicyPartition.Cores + vcpu);
}

export function partitionVcpuCount(partition: u32): u32 { return field32(partition, PolicyPartition.VcpuCount); }

/** Bytes, a multiple of 2 MiB. */
export function partitionMemory(partition: u32): u64 { return field64(partition, PolicyPartition.MemorySize); }

/** ImageKind of monitor/interface.ts. */
export function partitionImageKind(partition: u32): u32 { return field32(partition, PolicyPartition.ImageKind); }

/** Module number, policy.bin being 0. */
export function partitionKernelModule(partition: u32): u32 { return field32(partition, PolicyPartition.KernelModule); }

export function partitionHasRamDisk(partition: u32): bool {
  return field32(partition, PolicyPartition.RamDiskModule) != NO_MODULE;
}

/** Module number, policy.bin being 0; NO_MODULE if there is none. */
export function partitionRamDiskModule(partition: u32): u32 {
  return field32(partition, PolicyPartition.RamDiskModule);
}

export function partitionHasDisk(partition: u32): bool {
  return field32(partition, PolicyPartition.DiskModule) != NO_MODULE;
}

/** Module number, policy.bin being 0; NO_MODULE if there is none. */
export function partitionDiskModule(partition: u32): u32 { return field32(partition, PolicyPartition.DiskModule); }

/** Mask of DiskFlag of monitor/interface.ts. */
export function partitionDiskFlags(partition: u32): u32 { return field32(partition, PolicyPartition.DiskFlags); }

/** Whether `module` is the disk of this partition, and the partition may write it. */
export function partitionMayWriteModule(partition: u32, module: u32): bool {
  return partitionDiskModule(partition) == module && (partitionDiskFlags(partition) & DiskFlag.ReadOnly) == 0;
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
export function partitionDevices(partition: u32): u32 { return field32(partition, PolicyPartition.Devices); }

/** Mask of hypercalls granted, bit n for hypercall n. */
export function partitionHypercalls(partition: u32): u32 { return field32(partition, PolicyPartition.Hypercalls); }

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
export function onFault(partition: u32): HealthAction { return field32(partition, PolicyPartition.OnFault); }

/** Ignore, Restart or Stop: what DMA or an interrupt outside the grant of one of its PCI functions brings about. */
export function onDeviceViolation(partition: u32): HealthAction {
  return field32(partition, PolicyPartition.OnDeviceViolation);
}

/** Restarts before the partition is stopped for good. */
export function restartLimit(partition: u32): u32 { return field32(partition, PolicyPartition.RestartLimit); }

/** PCI functions assigned in the whole system, at most MAXIMUM_DEVICES. */
export function deviceCount(): u32 { return header32(PolicyHeader.DeviceCount); }

/** Index of the partition that owns device `index`. */
export function devicePartition(index: u32): u32 { return deviceField32(index, PolicyDevice.Partition); }

/** Address: deviceSegment() and deviceSourceId() name the function. Identity: deviceIdentity() does. */
export function deviceMatch(index: u32): DeviceMatch { return deviceField32(index, PolicyDevice.Match); }

/** PCI segment; 0 for a device named by identity. */
export function deviceSegment(index: u32): u32 { return deviceField32(index, PolicyDevice.Segment); }

/** bus << 8 | device << 3 | function; 0 for a device named by identity. */
export function deviceSourceId(index: u32): u32 { return deviceField32(index, PolicyDevice.SourceId); }

/** vendor | device << 16; 0 for a device named by address. */
export function deviceIdentity(index: u32): u32 { return deviceField32(index, PolicyDevice.Identity); }

/** Mask of DeviceFlag. */
export function deviceFlags(index: u32): u32 { return deviceField32(index, PolicyDevice.Flags); }
