// Checks policy.bin before anything of it is used: the file comes through the boot loader and may be damaged, cut
// short or of another version.

import * as phys from "../../kernel/memory/physical";
import { ImageKind, MAXIMUM_VCPUS } from "../../monitor/interface";
import {
  HealthAction, MAXIMUM_DEVICES, MAXIMUM_PARTITIONS, NAME_LENGTH, NO_MODULE, PartitionFlag, POLICY_MAGIC, POLICY_VERSION,
  PolicyDevice, PolicyFlag, PolicyHeader, PolicyPartition,
} from "../../kernel/policy/layout";
import {
  byteAddress, deviceField32, field32, field64, field8, fieldAddress, header32, header64, partitionRecordsEnd, setBase,
} from "../../kernel/policy/record";
import { PolicyStatus } from "./status";
import { validateDevice } from "./validate-device";
import { validateDisk } from "./validate-disk";

/** Partition memory is granted in 2 MiB pages. */
const MEMORY_GRANULE: u64 = 0x200000;
/** 1 TiB: below the 46 bits of physical address that the smallest supported processors have, and no sum overflows. */
const MEMORY_LIMIT: u64 = 0x10000000000;
/** Bits of Device in monitor/interface.ts. */
const KNOWN_DEVICES: u32 = 0x83ff;
/** Bits of PolicyFlag. */
const KNOWN_SYSTEM_FLAGS: u32 = PolicyFlag.PowerOffWhenDone | PolicyFlag.ScalableRemapping;
/** One bit a hypercall of Hypercall in layout.ts. */
const KNOWN_HYPERCALLS: u32 = 0x3f;

let failed: u32 = 0;

/** Partition that the last status other than Valid is about, where it is about one. */
export function failedPartition(): u32 { return failed; }

/**
 * Checks the whole policy at physical address `address`, `size` bytes long, against what the machine has:
 * `cores` cores, and `modules` modules from the loader after policy.bin.
 */
export function validatePolicy(address: u64, size: u64, modules: u32, cores: u32): PolicyStatus {
  failed = 0;
  if (size < <u64>PolicyHeader.Partitions) return PolicyStatus.TooShort;
  setBase(address);
  const status = validateHeader(size, modules);
  if (status != PolicyStatus.Valid) return status;

  const count = header32(PolicyHeader.PartitionCount);
  for (let partition: u32 = 0; partition < count; partition++) {
    failed = partition;
    const found = validatePartition(partition, <u32>size, modules, cores);
    if (found != PolicyStatus.Valid) return found;
  }
  return validateDevices();
}

function validateDevices(): PolicyStatus {
  const count = header32(PolicyHeader.DeviceCount);
  for (let device: u32 = 0; device < count; device++) {
    failed = deviceField32(device, PolicyDevice.Partition);
    const status = validateDevice(device);
    if (status != PolicyStatus.Valid) return status;
  }
  return PolicyStatus.Valid;
}

function validateHeader(size: u64, modules: u32): PolicyStatus {
  if (header64(PolicyHeader.Magic) != POLICY_MAGIC) return PolicyStatus.WrongMagic;
  if (header32(PolicyHeader.Version) != POLICY_VERSION) return PolicyStatus.WrongVersion;
  if (<u64>header32(PolicyHeader.Size) != size) return PolicyStatus.WrongSize;
  if (header32(PolicyHeader.ModuleCount) != modules) return PolicyStatus.WrongModuleCount;
  if ((header32(PolicyHeader.Flags) & ~KNOWN_SYSTEM_FLAGS) != 0) return PolicyStatus.UnknownSystemFlag;
  const count = header32(PolicyHeader.PartitionCount);
  if (count == 0 || count > MAXIMUM_PARTITIONS) return PolicyStatus.WrongPartitionCount;
  if (header32(PolicyHeader.DeviceCount) > MAXIMUM_DEVICES) return PolicyStatus.WrongDeviceCount;
  if (recordsEnd() > size) return PolicyStatus.TooShort;
  return PolicyStatus.Valid;
}

/** Offset behind the device records; the counts in the header are in range. */
function recordsEnd(): u64 {
  const devices = <u64>header32(PolicyHeader.DeviceCount) * <u64>PolicyDevice.Size;
  return partitionRecordsEnd(header32(PolicyHeader.PartitionCount)) + devices;
}

function validatePartition(partition: u32, size: u32, modules: u32, cores: u32): PolicyStatus {
  let status = validateName(partition);
  if (status == PolicyStatus.Valid) status = validateProcessors(partition, cores);
  if (status == PolicyStatus.Valid) status = validateMemory(partition);
  if (status == PolicyStatus.Valid) status = validateImage(partition, modules);
  if (status == PolicyStatus.Valid) status = validateDisk(partition, modules);
  if (status == PolicyStatus.Valid) status = validateCommandLine(partition, size);
  if (status == PolicyStatus.Valid) status = validateGrants(partition);
  if (status == PolicyStatus.Valid) status = validateHealth(partition);
  return status;
}

function validateName(partition: u32): PolicyStatus {
  const name = fieldAddress(partition, PolicyPartition.Name);
  let length: u32 = 0;
  while (length < NAME_LENGTH && phys.load8(name + <u64>length) != 0) {
    if (!isPrintable(phys.load8(name + <u64>length))) return PolicyStatus.WrongName;
    length++;
  }
  if (length == 0 || length == NAME_LENGTH) return PolicyStatus.WrongName;
  for (let earlier: u32 = 0; earlier < partition; earlier++) {
    if (namesEqual(partition, earlier)) return PolicyStatus.NameTaken;
  }
  return PolicyStatus.Valid;
}

/** Compares up to the terminator; both names have one. */
function namesEqual(left: u32, right: u32): bool {
  const leftName = fieldAddress(left, PolicyPartition.Name);
  const rightName = fieldAddress(right, PolicyPartition.Name);
  for (let index: u64 = 0; index < <u64>NAME_LENGTH; index++) {
    const byte = phys.load8(leftName + index);
    if (byte != phys.load8(rightName + index)) return false;
    if (byte == 0) return true;
  }
  return true;
}

function isPrintable(byte: u8): bool { return byte >= 0x20 && byte <= 0x7e; }

function validateProcessors(partition: u32, cores: u32): PolicyStatus {
  const vcpus = field32(partition, PolicyPartition.VcpuCount);
  if (vcpus == 0 || vcpus > MAXIMUM_VCPUS) return PolicyStatus.WrongVcpuCount;
  for (let vcpu: u32 = 0; vcpu < vcpus; vcpu++) {
    const core = coreOf(partition, vcpu);
    if (core >= cores) return PolicyStatus.CoreAbsent;
    if (isTaken(core, partition, vcpu)) return PolicyStatus.CoreTaken;
  }
  return PolicyStatus.Valid;
}

function coreOf(partition: u32, vcpu: u32): u32 { return field8(partition, PolicyPartition.Cores + vcpu); }

/** Whether an earlier partition, or an earlier vCPU of this one, has the core. */
function isTaken(core: u32, partition: u32, vcpu: u32): bool {
  for (let owner: u32 = 0; owner <= partition; owner++) {
    const count = owner == partition ? vcpu : field32(owner, PolicyPartition.VcpuCount);
    for (let other: u32 = 0; other < count; other++) {
      if (coreOf(owner, other) == core) return true;
    }
  }
  return false;
}

function validateMemory(partition: u32): PolicyStatus {
  const memory = field64(partition, PolicyPartition.MemorySize);
  if (memory == 0 || memory > MEMORY_LIMIT || memory % MEMORY_GRANULE != 0) return PolicyStatus.WrongMemorySize;
  return PolicyStatus.Valid;
}

function validateImage(partition: u32, modules: u32): PolicyStatus {
  const kind = field32(partition, PolicyPartition.ImageKind);
  if (kind < <u32>ImageKind.BzImage || kind > <u32>ImageKind.Firmware) return PolicyStatus.WrongImageKind;
  if (!isModule(field32(partition, PolicyPartition.KernelModule), modules)) return PolicyStatus.WrongKernelModule;
  const ramDisk = field32(partition, PolicyPartition.RamDiskModule);
  if (ramDisk != NO_MODULE && !isModule(ramDisk, modules)) return PolicyStatus.WrongRamDiskModule;
  return PolicyStatus.Valid;
}

function isModule(module: u32, modules: u32): bool { return module >= 1 && module <= modules; }

function validateCommandLine(partition: u32, size: u32): PolicyStatus {
  const offset = field32(partition, PolicyPartition.CommandLineOffset);
  const length = field32(partition, PolicyPartition.CommandLineLength);
  if (offset < <u32>recordsEnd() || offset > size) return PolicyStatus.CommandLineOutside;
  if (length > size - offset) return PolicyStatus.CommandLineOutside;
  for (let index: u32 = 0; index < length; index++) {
    if (!isPrintable(phys.load8(byteAddress(offset + index)))) return PolicyStatus.CommandLineNotText;
  }
  return PolicyStatus.Valid;
}

function validateGrants(partition: u32): PolicyStatus {
  if ((field32(partition, PolicyPartition.Devices) & ~KNOWN_DEVICES) != 0) return PolicyStatus.UnknownDevice;
  if ((field32(partition, PolicyPartition.Hypercalls) & ~KNOWN_HYPERCALLS) != 0) return PolicyStatus.UnknownHypercall;
  const flags = field32(partition, PolicyPartition.Flags);
  if ((flags & ~<u32>PartitionFlag.InitialKeyboard) != 0) return PolicyStatus.UnknownPartitionFlag;
  if (flags == 0) return PolicyStatus.Valid;
  for (let earlier: u32 = 0; earlier < partition; earlier++) {
    if (field32(earlier, PolicyPartition.Flags) != 0) return PolicyStatus.KeyboardTaken;
  }
  return PolicyStatus.Valid;
}

function validateHealth(partition: u32): PolicyStatus {
  if (field32(partition, PolicyPartition.OnMemoryViolation) > <u32>HealthAction.Stop) return PolicyStatus.WrongHealthAction;
  if (field32(partition, PolicyPartition.OnPortViolation) > <u32>HealthAction.Stop) return PolicyStatus.WrongHealthAction;
  if (field32(partition, PolicyPartition.OnMsrViolation) > <u32>HealthAction.Stop) return PolicyStatus.WrongHealthAction;
  const onFault = field32(partition, PolicyPartition.OnFault);
  if (onFault != HealthAction.Restart && onFault != HealthAction.Stop) return PolicyStatus.WrongHealthAction;
  return validateDeviceViolation(field32(partition, PolicyPartition.OnDeviceViolation));
}

/** A device has no instruction that a fault could be injected at. */
function validateDeviceViolation(action: u32): PolicyStatus {
  if (action > <u32>HealthAction.Stop || action == HealthAction.InjectFault) return PolicyStatus.WrongDeviceViolationAction;
  return PolicyStatus.Valid;
}
