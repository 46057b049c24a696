// The partition's configuration, which the kernel writes to the mailbox before start().

import { Image, imageSize } from "./imports";
import { Device, DiskFlag, ImageKind, Mailbox, MAXIMUM_FUNCTIONS, MAXIMUM_VCPUS } from "./interface";

/** Number of vCPUs, 1 to MAXIMUM_VCPUS. */
export function vcpuCount(): u32 {
  return min<u32>(max<u32>(load<u32>(Mailbox.VcpuCount), 1), MAXIMUM_VCPUS);
}

/** Whether the policy grants this virtual device. */
// @ts-ignore: decorator
@inline export function hasDevice(device: Device): bool {
  return (load<u32>(Mailbox.Devices) & <u32>device) != 0;
}

/** Number of assigned PCI functions, at most MAXIMUM_FUNCTIONS. */
export function functionCount(): u32 {
  return hasDevice(Device.Pci) ? min<u32>(load<u32>(Mailbox.FunctionCount), MAXIMUM_FUNCTIONS) : 0;
}

/** Whether the partition has a virtual disk. */
export function hasDisk(): bool {
  return hasDevice(Device.Pci) && imageSize(Image.Disk) != 0;
}

export function isDiskReadOnly(): bool {
  return (load<u32>(Mailbox.DiskFlags) & DiskFlag.ReadOnly) != 0;
}

/** Whether a configuration cycle reaches anything: there is a bus where there is a function, or firmware that looks for one. */
export function hasPciBus(): bool {
  return functionCount() != 0 || hasDisk() || hasFirmware();
}

export function imageKind(): ImageKind {
  return load<u32>(Mailbox.ImageKind);
}

/** Whether firmware runs in the partition: the platform has what it expects of a PC. */
export function hasFirmware(): bool {
  return imageKind() == ImageKind.Firmware;
}

/** TSC ticks a second, at least 1. */
export function tscFrequency(): u64 {
  return max<u64>(load<u64>(Mailbox.TscFrequency), 1);
}

/** Whether the processor's fast strings are on (IA32_MISC_ENABLE bit 0). */
export function hasFastStrings(): bool {
  return load<u32>(Mailbox.FastStrings) != 0;
}

/** Bits of XCR0 that the guest may set. */
export function grantedXcr0(): u64 {
  return load<u64>(Mailbox.GrantedXcr0);
}

/** The bits of a 64-bit word that no physical address has. */
export function beyondPhysicalAddress(): u64 {
  return ~((<u64>1 << load<u32>(Mailbox.PhysicalAddressBits)) - 1);
}

/** Bytes of RAM from GPA 0. */
export function lowMemory(): u64 {
  return load<u64>(Mailbox.LowMemory);
}

/** Bytes of RAM from GPA 4 GiB. */
export function highMemory(): u64 {
  return load<u64>(Mailbox.HighMemory);
}

/** Seconds since 1970-01-01 UTC when the partition started. */
export function wallClock(): u64 {
  return load<u64>(Mailbox.WallClock);
}
