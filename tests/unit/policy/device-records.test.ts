// Device records of policy.bin: written by the compiler, read back by the kernel's reader, refused when damaged.

import { beforeAll, describe, expect, test } from "vitest";
import {
  DeviceFlag,
  DeviceMatch,
  HealthAction,
  MAXIMUM_DEVICES,
  MAXIMUM_PARTITION_DEVICES,
  PolicyDevice,
  PolicyHeader,
  PolicyPartition,
} from "../../../kernel/policy/layout.ts";
import { PolicyStatus } from "../../../planner/policy/status.ts";
import { ImageKind } from "../../../monitor/interface.ts";
import { encodePolicy } from "../../../scripts/policy/encode.ts";
import type { SystemDescription } from "../../../scripts/policy/language.ts";
import { checkDescription } from "../../../scripts/policy/load.ts";
import { compileReader, instantiateReader, validate, type Reader } from "./reader-module.ts";

const MODULES = 1;
let module: WebAssembly.Module;

beforeAll(async () => {
  module = await compileReader();
}, 60_000);

type Assignments = SystemDescription["partitions"][number]["pci"];

/** policy.bin with a partition for each list of PCI functions. */
function policyWith(owners: Assignments[], changes: Partial<SystemDescription> = {}): Buffer {
  const partitions = owners.map((pci, i) => ({ name: `guest${i}`, core: i, memory: "16 MiB", image: { kind: "linux" as const }, pci }));
  const system = checkDescription({ name: "example", partitions, ...changes }, "example");
  const image = { imageKind: ImageKind.Pvh, kernelModule: 1, ramDiskModule: null, commandLine: "quiet" };
  return encodePolicy(system, system.partitions.map((partition) => ({ partition, ...image })), MODULES);
}

/** Records 0 and 1 of partition 0, records 2 and 3 of partition 1. */
function examplePolicy(): Buffer {
  return policyWith([
    [{ device: "00:04.0" }, { device: "8086:10d3", deviceTlb: true }],
    [{ device: "0002:fF:1f.7", reservedMemory: true, withoutReset: true }, { device: "1B36:FFFE" }],
  ]);
}

function open(policy: Buffer): Reader {
  return instantiateReader(module, policy);
}

function recordOffset(index: number): number {
  return PolicyHeader.Partitions + 2 * PolicyPartition.Size + index * PolicyDevice.Size;
}

/** What the reader gives for device `index`, in the order of the fields. */
function readDevice(reader: Reader, index: number): number[] {
  const fields = [reader.devicePartition, reader.deviceMatch, reader.deviceSegment, reader.deviceSourceId, reader.deviceIdentity, reader.deviceFlags];
  return fields.map((read) => read(index) >>> 0);
}

describe("a policy that the compiler wrote", () => {
  test("is read back field by field", () => {
    const policy = examplePolicy();
    const reader = open(policy);
    expect(validate(reader, policy, MODULES)).toBe(PolicyStatus.Valid);
    expect(reader.deviceCount()).toBe(4);
    expect(readDevice(reader, 0)).toEqual([0, DeviceMatch.Address, 0, 0x0020, 0, 0]);
    expect(readDevice(reader, 1)).toEqual([0, DeviceMatch.Identity, 0, 0, 0x10d3_8086, DeviceFlag.DeviceTlb]);
    expect(readDevice(reader, 2)).toEqual([1, DeviceMatch.Address, 2, 0xffff, 0, DeviceFlag.ReservedMemory | DeviceFlag.WithoutReset]);
    expect(readDevice(reader, 3)).toEqual([1, DeviceMatch.Identity, 0, 0, 0xfffe_1b36, 0]);
  });

  test("lays the device records between the partitions and the command lines", () => {
    const policy = examplePolicy();
    expect(policy.subarray(recordOffset(4)).toString("ascii")).toBe("quietquiet");
    expect(policy.readUInt32LE(PolicyHeader.Partitions + PolicyPartition.CommandLineOffset)).toBe(recordOffset(4));
  });

  test("without a device has no record", () => {
    const policy = policyWith([[], undefined]);
    const reader = open(policy);
    expect(validate(reader, policy, MODULES)).toBe(PolicyStatus.Valid);
    expect(reader.deviceCount()).toBe(0);
    expect(policy.subarray(recordOffset(0)).toString("ascii")).toBe("quietquiet");
  });

  test("may assign as many functions as the limits say", () => {
    const owners = [0, 1, 2, 3].map((bus) => Array.from({ length: MAXIMUM_PARTITION_DEVICES }, (_, slot) => ({ device: `0${bus}:0${slot}.0` })));
    const policy = policyWith(owners);
    const reader = open(policy);
    expect(validate(reader, policy, MODULES)).toBe(PolicyStatus.Valid);
    expect(reader.deviceCount()).toBe(MAXIMUM_DEVICES);
    expect(readDevice(reader, 31)).toEqual([3, DeviceMatch.Address, 0, 0x0338, 0, 0]);
  });

  test.each([
    [{}, 0, 1],
    [{ remapping: "legacy", whenDone: "stop" }, 0, 0],
    [{ remapping: "scalable" }, 1, 1],
    [{ remapping: "scalable", whenDone: "stop" }, 1, 0],
  ] as const)("with %j", (changes, scalable, powersOff) => {
    const policy = policyWith([[]], changes);
    const reader = open(policy);
    expect(validate(reader, policy, MODULES)).toBe(PolicyStatus.Valid);
    expect(reader.usesScalableRemapping()).toBe(scalable);
    expect(reader.powersOffWhenDone()).toBe(powersOff);
  });

  test.each([
    ["ignore", HealthAction.Ignore],
    ["restart", HealthAction.Restart],
    ["stop", HealthAction.Stop],
    [undefined, HealthAction.Stop],
  ] as const)("with health.device %s", (device, action) => {
    const partitions = [{ name: "one", core: 0, memory: "16 MiB", image: { kind: "linux" as const }, health: { device } }];
    const policy = policyWith([], { partitions });
    const reader = open(policy);
    expect(validate(reader, policy, MODULES)).toBe(PolicyStatus.Valid);
    expect(reader.onDeviceViolation(0)).toBe(action);
  });
});

describe("the reader refuses", () => {
  const field = (index: number, offset: PolicyDevice, value: number) => (policy: Buffer) => void policy.writeUInt32LE(value, recordOffset(index) + offset);
  const copy = (from: number, to: number, owner: number) => (policy: Buffer) => {
    policy.copy(policy, recordOffset(to), recordOffset(from), recordOffset(from + 1));
    policy.writeUInt32LE(owner, recordOffset(to) + PolicyDevice.Partition);
  };
  const header = (value: number) => (policy: Buffer) => void policy.writeUInt32LE(value, PolicyHeader.DeviceCount);
  const onViolation = (value: number) => (policy: Buffer) =>
    void policy.writeUInt32LE(value, PolicyHeader.Partitions + PolicyPartition.Size + PolicyPartition.OnDeviceViolation);

  const cases: [string, (policy: Buffer) => void, PolicyStatus, number][] = [
    ["too many devices", header(MAXIMUM_DEVICES + 1), PolicyStatus.WrongDeviceCount, 0],
    ["a count whose records would overflow", header(0xffff_ffff), PolicyStatus.WrongDeviceCount, 0],
    ["records beyond the end", header(MAXIMUM_DEVICES), PolicyStatus.TooShort, 0],
    ["one device more than there is room for", header(5), PolicyStatus.TooShort, 0],
    ["a partition that does not exist", field(0, PolicyDevice.Partition, 2), PolicyStatus.WrongDevicePartition, 2],
    ["a partition far out of range", field(3, PolicyDevice.Partition, 0xffff_ffff), PolicyStatus.WrongDevicePartition, 0xffff_ffff],
    ["an unknown match", field(2, PolicyDevice.Match, 2), PolicyStatus.WrongDeviceMatch, 1],
    ["a segment of more than 16 bits", field(0, PolicyDevice.Segment, 0x1_0000), PolicyStatus.WrongDeviceAddress, 0],
    ["a source id of more than 16 bits", field(2, PolicyDevice.SourceId, 0x1_0000), PolicyStatus.WrongDeviceAddress, 1],
    ["an address with an identity", field(0, PolicyDevice.Identity, 0x10d3_8086), PolicyStatus.WrongDeviceIdentity, 0],
    ["an identity with a segment", field(1, PolicyDevice.Segment, 1), PolicyStatus.WrongDeviceAddress, 0],
    ["an identity with a source id", field(3, PolicyDevice.SourceId, 8), PolicyStatus.WrongDeviceAddress, 1],
    ["an identity of zeros", field(1, PolicyDevice.Identity, 0), PolicyStatus.WrongDeviceIdentity, 0],
    ["the vendor that stands for no function", field(1, PolicyDevice.Identity, 0x10d3_ffff), PolicyStatus.WrongDeviceIdentity, 0],
    ["an unknown flag", field(3, PolicyDevice.Flags, 8), PolicyStatus.UnknownDeviceFlag, 1],
    ["an address given twice to one partition", copy(0, 1, 0), PolicyStatus.DeviceTaken, 0],
    ["an address given to two partitions", copy(0, 2, 1), PolicyStatus.DeviceTaken, 1],
    ["an identity given twice, with other flags", copy(1, 3, 1), PolicyStatus.DeviceTaken, 1],
    ["a violation answered with #GP", onViolation(HealthAction.InjectFault), PolicyStatus.WrongDeviceViolationAction, 1],
    ["an unknown action on violations", onViolation(HealthAction.Stop + 1), PolicyStatus.WrongDeviceViolationAction, 1],
  ];

  test.each(cases)("%s", (_name, damage, status, partition) => {
    const policy = examplePolicy();
    damage(policy);
    const reader = open(policy);
    expect(validate(reader, policy, MODULES)).toBe(status);
    expect(reader.failedPartition() >>> 0).toBe(partition);
  });

  test("a command line that lies in the device records", () => {
    const policy = examplePolicy();
    policy.writeUInt32LE(recordOffset(4) - 1, PolicyHeader.Partitions + PolicyPartition.CommandLineOffset);
    expect(validate(open(policy), policy, MODULES)).toBe(PolicyStatus.CommandLineOutside);
  });

  test("nine devices of one partition", () => {
    const owners = [Array.from({ length: MAXIMUM_PARTITION_DEVICES }, (_, slot) => ({ device: `00:0${slot}.0` })), [{ device: "01:00.0" }]];
    const policy = policyWith(owners);
    policy.writeUInt32LE(0, recordOffset(MAXIMUM_PARTITION_DEVICES) + PolicyDevice.Partition);
    const reader = open(policy);
    expect(validate(reader, policy, MODULES)).toBe(PolicyStatus.TooManyDevices);
    expect(reader.failedPartition()).toBe(0);
  });

  test("a file cut short anywhere, without a load beyond its end", () => {
    const whole = examplePolicy();
    for (let length = 0; length < whole.length; length++) {
      const policy = Buffer.from(whole.subarray(0, length));
      if (length >= PolicyHeader.Size + 4) policy.writeUInt32LE(length, PolicyHeader.Size);
      expect(validate(open(policy), policy, MODULES)).not.toBe(PolicyStatus.Valid);
    }
  });
});

test("functions that differ in segment, in function or in form are different devices", () => {
  const policy = policyWith([[{ device: "0000:00:04.0" }, { device: "0001:00:04.0" }], [{ device: "00:04.1" }, { device: "8086:0020" }]]);
  expect(validate(open(policy), policy, MODULES)).toBe(PolicyStatus.Valid);
});
