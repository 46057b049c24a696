// What can be wrong with a policy, and how to say it.

export const enum PolicyStatus {
  Valid = 0,
  TooShort = 1,
  WrongMagic = 2,
  WrongVersion = 3,
  WrongSize = 4,
  WrongModuleCount = 5,
  UnknownSystemFlag = 6,
  WrongPartitionCount = 7,
  WrongName = 8,
  NameTaken = 9,
  CoreAbsent = 10,
  CoreTaken = 11,
  WrongVcpuCount = 12,
  WrongMemorySize = 13,
  WrongImageKind = 14,
  WrongKernelModule = 15,
  WrongRamDiskModule = 16,
  CommandLineOutside = 17,
  CommandLineNotText = 18,
  UnknownDevice = 19,
  UnknownHypercall = 20,
  UnknownPartitionFlag = 21,
  KeyboardTaken = 22,
  WrongHealthAction = 23,
  WrongDeviceViolationAction = 24,
  WrongDeviceCount = 25,
  WrongDevicePartition = 26,
  WrongDeviceMatch = 27,
  WrongDeviceAddress = 28,
  WrongDeviceIdentity = 29,
  UnknownDeviceFlag = 30,
  DeviceTaken = 31,
  TooManyDevices = 32,
  WrongDiskModule = 33,
  UnknownDiskFlag = 34,
  DiskWithoutPci = 35,
  DiskTaken = 36,
}

/** The status as a clause that follows "policy.bin: " or "policy.bin: partition N: ". */
export function describePolicyStatus(status: PolicyStatus): string {
  switch (status) {
    case PolicyStatus.Valid: return "valid";
    case PolicyStatus.TooShort: return "shorter than its header and records";
    case PolicyStatus.WrongMagic: return "no policy (magic BLKDPOL1 missing)";
    case PolicyStatus.WrongVersion: return "made for another version of Bulkhead";
    case PolicyStatus.WrongSize: return "size in the header differs from the module's";
    case PolicyStatus.WrongModuleCount: return "the loader gave another number of modules";
    case PolicyStatus.UnknownSystemFlag: return "unknown system flag";
    case PolicyStatus.WrongPartitionCount: return "no partition or too many";
    case PolicyStatus.WrongName: return "name empty, not terminated or not printable";
    case PolicyStatus.NameTaken: return "name of an earlier partition";
    case PolicyStatus.CoreAbsent: return "core that this machine does not have";
    case PolicyStatus.CoreTaken: return "core of an earlier partition or vCPU";
    case PolicyStatus.WrongVcpuCount: return "wrong number of vCPUs";
    case PolicyStatus.WrongMemorySize: return "memory zero, too large or no multiple of 2 MiB";
    case PolicyStatus.WrongImageKind: return "unknown image kind";
    case PolicyStatus.WrongKernelModule: return "image names a module that does not exist";
    case PolicyStatus.WrongRamDiskModule: return "initial RAM disk names a module that does not exist";
    case PolicyStatus.CommandLineOutside: return "command line outside the policy";
    case PolicyStatus.CommandLineNotText: return "command line not printable";
    case PolicyStatus.UnknownDevice: return "unknown device";
    case PolicyStatus.UnknownHypercall: return "unknown hypercall";
    case PolicyStatus.UnknownPartitionFlag: return "unknown partition flag";
    case PolicyStatus.KeyboardTaken: return "keyboard of an earlier partition";
    case PolicyStatus.WrongHealthAction: return "unknown health action";
    case PolicyStatus.WrongDeviceViolationAction: return "unknown health action for violations by a PCI device";
    case PolicyStatus.WrongDeviceCount: return "too many PCI devices in the system";
    case PolicyStatus.WrongDevicePartition: return "PCI device of a partition that does not exist";
    case PolicyStatus.WrongDeviceMatch: return "PCI device named neither by address nor by identity";
    case PolicyStatus.WrongDeviceAddress: return "PCI device address that cannot be";
    case PolicyStatus.WrongDeviceIdentity: return "PCI device identity that cannot be";
    case PolicyStatus.UnknownDeviceFlag: return "unknown PCI device flag";
    case PolicyStatus.DeviceTaken: return "PCI device of an earlier record";
    case PolicyStatus.TooManyDevices: return "too many PCI devices for one partition";
    case PolicyStatus.WrongDiskModule: return "disk names a module that does not exist";
    case PolicyStatus.UnknownDiskFlag: return "unknown disk flag";
    case PolicyStatus.DiskWithoutPci: return "disk without the device that it is reached by";
    case PolicyStatus.DiskTaken: return "disk that it may write is another partition's, or an image";
  }
  return "unknown status";
}
