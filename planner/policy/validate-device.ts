// Checks one device record of policy.bin. Whether the machine has the function, and whether an address and an identity
// name the same one, can be told only once its buses are scanned.

import {
  DeviceFlag, DeviceMatch, MAXIMUM_PARTITION_DEVICES, PolicyDevice, PolicyHeader,
} from "../../kernel/policy/layout";
import { deviceField32, header32 } from "../../kernel/policy/record";
import { PolicyStatus } from "./status";

/** PCI segments have 16 bits, source ids too (PCI Firmware 3.2 4.1.2, VT-d 4.1 3.4.1). */
const MAXIMUM_SEGMENT: u32 = 0xffff;
const MAXIMUM_SOURCE_ID: u32 = 0xffff;
/** What configuration space gives for the vendor where there is no function (PCI 3.0 6.1). */
const ABSENT_VENDOR: u32 = 0xffff;
/** Bits of DeviceFlag. */
const KNOWN_FLAGS: u32 = DeviceFlag.ReservedMemory | DeviceFlag.DeviceTlb | DeviceFlag.WithoutReset;

/** Checks device record `device` by itself and against those before it. */
export function validateDevice(device: u32): PolicyStatus {
  const owner = deviceField32(device, PolicyDevice.Partition);
  if (owner >= header32(PolicyHeader.PartitionCount)) return PolicyStatus.WrongDevicePartition;
  if ((deviceField32(device, PolicyDevice.Flags) & ~KNOWN_FLAGS) != 0) return PolicyStatus.UnknownDeviceFlag;
  const status = validateMatch(device);
  if (status != PolicyStatus.Valid) return status;
  return validateOwnership(device, owner);
}

function validateMatch(device: u32): PolicyStatus {
  const segment = deviceField32(device, PolicyDevice.Segment);
  const sourceId = deviceField32(device, PolicyDevice.SourceId);
  const identity = deviceField32(device, PolicyDevice.Identity);
  switch (deviceField32(device, PolicyDevice.Match)) {
    case DeviceMatch.Address:
      if (segment > MAXIMUM_SEGMENT || sourceId > MAXIMUM_SOURCE_ID) return PolicyStatus.WrongDeviceAddress;
      return identity == 0 ? PolicyStatus.Valid : PolicyStatus.WrongDeviceIdentity;
    case DeviceMatch.Identity:
      if (!isVendor(identity & 0xffff)) return PolicyStatus.WrongDeviceIdentity;
      return (segment | sourceId) == 0 ? PolicyStatus.Valid : PolicyStatus.WrongDeviceAddress;
  }
  return PolicyStatus.WrongDeviceMatch;
}

function isVendor(vendor: u32): bool { return vendor != 0 && vendor != ABSENT_VENDOR; }

function validateOwnership(device: u32, owner: u32): PolicyStatus {
  let owned: u32 = 1;
  for (let earlier: u32 = 0; earlier < device; earlier++) {
    if (namesSame(device, earlier)) return PolicyStatus.DeviceTaken;
    if (deviceField32(earlier, PolicyDevice.Partition) == owner) owned++;
  }
  return owned > MAXIMUM_PARTITION_DEVICES ? PolicyStatus.TooManyDevices : PolicyStatus.Valid;
}

/** Both records are well formed: the fields that their match does not use are 0, and no identity is. */
function namesSame(left: u32, right: u32): bool {
  if (deviceField32(left, PolicyDevice.Segment) != deviceField32(right, PolicyDevice.Segment)) return false;
  if (deviceField32(left, PolicyDevice.SourceId) != deviceField32(right, PolicyDevice.SourceId)) return false;
  return deviceField32(left, PolicyDevice.Identity) == deviceField32(right, PolicyDevice.Identity);
}
