// Writes policy.bin as kernel/policy/layout.ts lays it out.

import {
  DeviceFlag,
  DeviceMatch,
  HealthAction,
  Hypercall,
  NAME_LENGTH,
  NO_MODULE,
  PartitionFlag,
  POLICY_VERSION,
  PolicyDevice,
  PolicyFlag,
  PolicyHeader,
  PolicyPartition,
} from "../../kernel/policy/layout.ts";
import { Device, DiskFlag, type ImageKind } from "../../monitor/interface.ts";
import type { Assignment, DeviceName, HealthActionName, HypercallName, Partition, System } from "./schema.ts";

/** POLICY_MAGIC as bytes: a u64 that a JavaScript number does not hold. */
const MAGIC_TEXT = "BLKDPOL1";

/** A partition with its image as module numbers. */
export interface EncodedPartition {
  partition: Partition;
  imageKind: ImageKind;
  kernelModule: number;
  /** Null: no initial RAM disk. */
  ramDiskModule: number | null;
  commandLine: string;
  /** Left out or null: no disk. */
  diskModule?: number | null;
}

const deviceBits: Record<DeviceName, Device> = {
  "local-apic": Device.LocalApic,
  "io-apic": Device.IoApic,
  pic: Device.Pic,
  pit: Device.Pit,
  uart: Device.Uart,
  rtc: Device.Rtc,
  "power-management": Device.PowerManagement,
  pci: Device.Pci,
  "debug-console": Device.DebugConsole,
  "text-screen": Device.TextScreen,
  "test-device": Device.Test,
};

const hypercallNumbers: Record<HypercallName, Hypercall> = {
  version: Hypercall.Version,
  "console-write": Hypercall.ConsoleWrite,
  "power-off": Hypercall.PowerOff,
  reset: Hypercall.Reset,
  "tsc-frequency": Hypercall.TscFrequency,
  "console-read": Hypercall.ConsoleRead,
};

const healthActions: Record<HealthActionName, HealthAction> = {
  ignore: HealthAction.Ignore,
  "inject-fault": HealthAction.InjectFault,
  restart: HealthAction.Restart,
  stop: HealthAction.Stop,
};

/** What of a system goes into the header of policy.bin. */
export type SystemSettings = Pick<System, "whenDone" | "remapping">;

/** The bytes of policy.bin: header, partition records, device records, command lines. */
export function encodePolicy(settings: SystemSettings, partitions: EncodedPartition[], moduleCount: number): Buffer {
  const devices = partitions.flatMap(({ partition }, owner) => partition.pci.map((assignment) => encodeDevice(assignment, owner)));
  const devicesOffset = PolicyHeader.Partitions + partitions.length * PolicyPartition.Size;
  const stringsOffset = devicesOffset + devices.length * PolicyDevice.Size;
  const strings = partitions.map((entry) => Buffer.from(entry.commandLine, "ascii"));
  const size = stringsOffset + strings.reduce((sum, text) => sum + text.length, 0);
  const policy = Buffer.alloc(size);

  policy.write(MAGIC_TEXT, PolicyHeader.Magic, "ascii");
  policy.writeUInt32LE(POLICY_VERSION, PolicyHeader.Version);
  policy.writeUInt32LE(size, PolicyHeader.Size);
  policy.writeUInt32LE(partitions.length, PolicyHeader.PartitionCount);
  policy.writeUInt32LE(moduleCount, PolicyHeader.ModuleCount);
  policy.writeUInt32LE(systemFlags(settings), PolicyHeader.Flags);
  policy.writeUInt32LE(devices.length, PolicyHeader.DeviceCount);
  Buffer.concat(devices).copy(policy, devicesOffset);

  let textOffset = stringsOffset;
  for (const [index, entry] of partitions.entries()) {
    const record = policy.subarray(PolicyHeader.Partitions + index * PolicyPartition.Size, PolicyHeader.Partitions + (index + 1) * PolicyPartition.Size);
    const text = strings[index]!;
    encodePartition(record, entry);
    record.writeUInt32LE(textOffset, PolicyPartition.CommandLineOffset);
    record.writeUInt32LE(text.length, PolicyPartition.CommandLineLength);
    text.copy(policy, textOffset);
    textOffset += text.length;
  }
  return policy;
}

function systemFlags({ whenDone, remapping }: SystemSettings): number {
  return (whenDone === "power-off" ? PolicyFlag.PowerOffWhenDone : 0) | (remapping === "scalable" ? PolicyFlag.ScalableRemapping : 0);
}

function encodePartition(record: Buffer, entry: EncodedPartition): void {
  const { partition } = entry;
  record.write(partition.name, PolicyPartition.Name, NAME_LENGTH - 1, "ascii");
  record.writeUInt32LE(partition.cores.length, PolicyPartition.VcpuCount);
  record.set(partition.cores, PolicyPartition.Cores);
  record.writeBigUInt64LE(BigInt(partition.memory), PolicyPartition.MemorySize);
  record.writeUInt32LE(entry.imageKind, PolicyPartition.ImageKind);
  record.writeUInt32LE(entry.kernelModule, PolicyPartition.KernelModule);
  record.writeUInt32LE(entry.ramDiskModule ?? NO_MODULE, PolicyPartition.RamDiskModule);
  record.writeUInt32LE(entry.diskModule ?? NO_MODULE, PolicyPartition.DiskModule);
  record.writeUInt32LE(partition.disk?.readOnly === true ? DiskFlag.ReadOnly : 0, PolicyPartition.DiskFlags);
  record.writeUInt32LE(deviceMask(partition.devices), PolicyPartition.Devices);
  record.writeUInt32LE(hypercallMask(partition.hypercalls), PolicyPartition.Hypercalls);
  record.writeUInt32LE(partition.keyboard ? PartitionFlag.InitialKeyboard : 0, PolicyPartition.Flags);
  record.writeUInt32LE(healthActions[partition.health.memory], PolicyPartition.OnMemoryViolation);
  record.writeUInt32LE(healthActions[partition.health.port], PolicyPartition.OnPortViolation);
  record.writeUInt32LE(healthActions[partition.health.msr], PolicyPartition.OnMsrViolation);
  record.writeUInt32LE(healthActions[partition.health.fault], PolicyPartition.OnFault);
  record.writeUInt32LE(partition.health.restartLimit, PolicyPartition.RestartLimit);
  record.writeUInt32LE(healthActions[partition.health.device], PolicyPartition.OnDeviceViolation);
}

/** A device record; `owner` is the index of its partition. */
function encodeDevice(assignment: Assignment, owner: number): Buffer {
  const { device } = assignment;
  const record = Buffer.alloc(PolicyDevice.Size);
  record.writeUInt32LE(owner, PolicyDevice.Partition);
  record.writeUInt32LE(deviceFlags(assignment), PolicyDevice.Flags);
  if (device.kind === "address") {
    record.writeUInt32LE(DeviceMatch.Address, PolicyDevice.Match);
    record.writeUInt32LE(device.segment, PolicyDevice.Segment);
    record.writeUInt32LE(device.sourceId, PolicyDevice.SourceId);
    return record;
  }
  record.writeUInt32LE(DeviceMatch.Identity, PolicyDevice.Match);
  record.writeUInt16LE(device.vendor, PolicyDevice.Identity);
  record.writeUInt16LE(device.device, PolicyDevice.Identity + 2);
  return record;
}

function deviceFlags({ reservedMemory, deviceTlb, withoutReset }: Assignment): number {
  return (reservedMemory ? DeviceFlag.ReservedMemory : 0) | (deviceTlb ? DeviceFlag.DeviceTlb : 0) | (withoutReset ? DeviceFlag.WithoutReset : 0);
}

function deviceMask(names: DeviceName[]): number {
  return names.reduce((mask, name) => mask | deviceBits[name], 0);
}

function hypercallMask(names: HypercallName[]): number {
  return names.reduce((mask, name) => mask | (1 << hypercallNumbers[name]), 0);
}
