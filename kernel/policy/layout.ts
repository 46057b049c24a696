// Layout of policy.bin, little-endian. scripts/policy writes it, kernel/policy/reader.ts reads it.

export const POLICY_MAGIC: u64 = 0x314C4F50444B4C42; // "BLKDPOL1"
export const POLICY_VERSION: u32 = 3;
export const NO_MODULE: u32 = 0xffffffff;
export const MAXIMUM_PARTITIONS: u32 = 16;
export const NAME_LENGTH: u32 = 32;
/** PCI functions assigned in the whole system. */
export const MAXIMUM_DEVICES: u32 = 32;
/** PCI functions assigned to one partition. */
export const MAXIMUM_PARTITION_DEVICES: u32 = 8;

export const enum PolicyHeader {
  Magic = 0x00, // u64
  Version = 0x08, // u32
  Size = 0x0c, // u32, of the whole file
  PartitionCount = 0x10, // u32
  ModuleCount = 0x14, // u32, modules that follow policy.bin in the multiboot2 list (policy.bin is module 0)
  Flags = 0x18, // u32 PolicyFlag
  DeviceCount = 0x1c, // u32, device records
  Partitions = 0x40, // partition records follow, then device records, then command lines
}

export const enum PolicyFlag {
  /** When no partition runs any more: print the summary and power the machine off (else: print and stop). */
  PowerOffWhenDone = 1 << 0,
  /** VT-d in scalable mode (else: legacy mode). */
  ScalableRemapping = 1 << 1,
}

/** One partition's record. Module numbers count from policy.bin = 0. */
export const enum PolicyPartition {
  Name = 0x00, // NAME_LENGTH bytes, ASCII, zero padded
  VcpuCount = 0x24, // u32, 1 to MAXIMUM_VCPUS (monitor/interface.ts)
  MemorySize = 0x28, // u64 bytes, multiple of 2 MiB
  ImageKind = 0x30, // u32 ImageKind (monitor/interface.ts)
  KernelModule = 0x34, // u32
  RamDiskModule = 0x38, // u32 or NO_MODULE
  CommandLineOffset = 0x3c, // u32, in this file
  CommandLineLength = 0x40, // u32
  Devices = 0x44, // u32 mask of Device (monitor/interface.ts)
  Hypercalls = 0x48, // u32 mask, bit = hypercall number
  Flags = 0x4c, // u32 PartitionFlag
  OnMemoryViolation = 0x50, // u32 HealthAction
  OnPortViolation = 0x54, // u32 HealthAction
  OnMsrViolation = 0x58, // u32 HealthAction
  OnFault = 0x5c, // u32 HealthAction: triple fault, entry failure, monitor fault (Stop or Restart)
  RestartLimit = 0x60, // u32, restarts before the partition is stopped for good
  OnDeviceViolation = 0x64, // u32 HealthAction: DMA or an interrupt outside the grant (Ignore, Restart or Stop)
  Cores = 0x68, // MAXIMUM_VCPUS u8, core of each vCPU: its index in MADT order, boot core 0. Those beyond VcpuCount are 0
  DiskModule = 0x70, // u32 or NO_MODULE
  DiskFlags = 0x74, // u32 mask of DiskFlag (monitor/interface.ts)
  Size = 0x80,
}

/** One PCI function assigned to a partition. A field that `Match` does not use is 0. */
export const enum PolicyDevice {
  Partition = 0x00, // u32, index of its owner
  Match = 0x04, // u32 DeviceMatch
  Segment = 0x08, // u32, PCI segment (Address)
  SourceId = 0x0c, // u32 bus << 8 | device << 3 | function (Address)
  Identity = 0x10, // u32 vendor | device << 16 (Identity)
  Flags = 0x14, // u32 DeviceFlag
  Size = 0x20,
}

/** By what a device record names its function. */
export const enum DeviceMatch {
  Address = 0, // Segment and SourceId
  Identity = 1, // vendor and device id, as at offset 0 of its configuration space
}

export const enum DeviceFlag {
  /** The reserved memory that the firmware names for it (RMRR) is mapped in its domain. */
  ReservedMemory = 1 << 0,
  /** It may keep translations of its own (ATS). */
  DeviceTlb = 1 << 1,
  /** It is handed over though it has no reset. */
  WithoutReset = 1 << 2,
}

export const enum PartitionFlag {
  /** Has the keyboard when the system starts. At most one partition has it. */
  InitialKeyboard = 1 << 0,
}

export const enum HealthAction {
  Ignore = 0, // reads all ones, writes vanish
  InjectFault = 1, // #GP(0)
  Restart = 2,
  Stop = 3,
}

/** Hypercall numbers (RAX of VMCALL). Arguments RDI, RSI; result in RAX, ~0 if unknown or not granted. */
export const enum Hypercall {
  Version = 0, // returns HYPERCALL_VERSION
  ConsoleWrite = 1, // RDI: up to 8 bytes, lowest first, zero ends
  PowerOff = 2, // RDI: 0; stops the partition
  Reset = 3, // restarts the partition
  TscFrequency = 4, // returns Hz
  ConsoleRead = 5, // returns a byte, or ~0 when none waits
}
export const HYPERCALL_VERSION: u64 = 1;
