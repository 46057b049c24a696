// The field disk: what the compiler makes of it, and what the kernel's reader refuses.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NO_MODULE, PolicyHeader, PolicyPartition } from "../../../kernel/policy/layout.ts";
import { PolicyStatus } from "../../../planner/policy/status.ts";
import { Device, DiskFlag } from "../../../monitor/interface.ts";
import { UserError } from "../../../scripts/error.ts";
import { compileDescription, type CompiledSystem } from "../../../scripts/policy/compile.ts";
import { flat, type SystemDescription } from "../../../scripts/policy/language.ts";
import { compileReader, instantiateReader, validate, type Reader } from "./reader-module.ts";

type Disk = SystemDescription["partitions"][number]["disk"];

let folder: string;
let module: WebAssembly.Module;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "bulkhead-disks-"));
  writeFileSync(path.join(folder, "image"), "\xf4");
  for (const [name, size] of [["a.img", 1024], ["b.img", 1024], ["odd.img", 1000], ["empty.img", 0]] as const) writeFileSync(path.join(folder, name), Buffer.alloc(size));
  module = await compileReader();
}, 60_000);

afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Compiles a system with a partition for each disk. */
async function compile(disks: Disk[]): Promise<{ system: CompiledSystem; policy: Buffer }> {
  const image = flat({ file: "image", address: 0x10_0000, mode: "32-bit" });
  const partitions = disks.map((disk, index) => ({ name: `guest${index}`, core: index, memory: "2 MiB", image, devices: [], ...(disk === undefined ? {} : { disk }) }));
  const system = await compileDescription({ name: "test-disks", partitions }, path.join(folder, "system.ts"));
  const policy = readFileSync(system.policy);
  rmSync(system.directory, { recursive: true });
  return { system, policy };
}

function open(policy: Buffer): Reader {
  return instantiateReader(module, policy);
}

describe("a disk in a system file", () => {
  test("becomes a module of its own, though another has the same content, and brings the configuration ports", async () => {
    const { system, policy } = await compile(["a.img", { file: "b.img" }, undefined]);
    const reader = open(policy);
    expect(validate(reader, policy, 3)).toBe(PolicyStatus.Valid);
    expect(system.modules).toHaveLength(3);
    expect([0, 1, 2].map((partition) => reader.partitionDiskModule(partition) >>> 0)).toEqual([2, 3, NO_MODULE]);
    expect([0, 1, 2].map((partition) => reader.partitionHasDisk(partition))).toEqual([1, 1, 0]);
    expect([0, 1, 2].map((partition) => reader.partitionDevices(partition))).toEqual([Device.Pci, Device.Pci, 0]);
    expect([0, 1].map((partition) => [1, 2, 3].map((number) => reader.partitionMayWriteModule(partition, number)))).toEqual([[0, 1, 0], [0, 0, 1]]);
  });

  test("may be shared where nobody writes it", async () => {
    const { policy } = await compile([{ file: "a.img", readOnly: true }, { file: "a.img", readOnly: true }]);
    const reader = open(policy);
    expect(validate(reader, policy, 2)).toBe(PolicyStatus.Valid);
    expect([0, 1].map((partition) => reader.partitionDiskModule(partition))).toEqual([2, 2]);
    expect([0, 1].map((partition) => reader.partitionDiskFlags(partition))).toEqual([DiskFlag.ReadOnly, DiskFlag.ReadOnly]);
    expect(reader.partitionMayWriteModule(0, 2)).toBe(0);
  });

  test.each([
    ["odd.img", "which has 1000 bytes: not a positive multiple of 512", "truncate -s 1024 "],
    ["empty.img", "which has 0 bytes: not a positive multiple of 512", "truncate -s 512 "],
    ["none.img", "but there is no file", "Give a path"],
  ])("%s is refused", async (file, message, remedy) => {
    const error: unknown = await compile([file]).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UserError);
    expect((error as UserError).message).toContain(`partitions[0].disk is "${file}", ${message}`);
    expect((error as UserError).remedy).toContain(remedy);
  });
});

describe("the reader refuses", () => {
  const at = (partition: number, field: PolicyPartition): number => PolicyHeader.Partitions + partition * PolicyPartition.Size + field;

  const cases: [string, number, number, PolicyStatus][] = [
    ["policy.bin as a disk", at(0, PolicyPartition.DiskModule), 0, PolicyStatus.WrongDiskModule],
    ["a disk beyond the modules", at(0, PolicyPartition.DiskModule), 4, PolicyStatus.WrongDiskModule],
    ["an unknown flag", at(0, PolicyPartition.DiskFlags), 2, PolicyStatus.UnknownDiskFlag],
    ["flags without a disk", at(2, PolicyPartition.DiskFlags), DiskFlag.ReadOnly, PolicyStatus.UnknownDiskFlag],
    ["a disk without configuration ports", at(0, PolicyPartition.Devices), 0, PolicyStatus.DiskWithoutPci],
    ["an image as a disk to write", at(0, PolicyPartition.DiskModule), 1, PolicyStatus.DiskTaken],
    ["the disk of another partition", at(0, PolicyPartition.DiskModule), 3, PolicyStatus.DiskTaken],
    ["a disk that another partition boots", at(2, PolicyPartition.KernelModule), 2, PolicyStatus.DiskTaken],
    ["a disk that another partition has for RAM disk", at(2, PolicyPartition.RamDiskModule), 2, PolicyStatus.DiskTaken],
  ];

  test.each(cases)("%s", async (_, offset, value, status) => {
    const { policy } = await compile(["a.img", "b.img", undefined]);
    policy.writeUInt32LE(value, offset);
    expect(validate(open(policy), policy, 3)).toBe(status);
  });

  test("a disk to write that another partition reads", async () => {
    const { policy } = await compile(["a.img", { file: "b.img", readOnly: true }]);
    policy.writeUInt32LE(3, at(0, PolicyPartition.DiskModule));
    expect(validate(open(policy), policy, 3)).toBe(PolicyStatus.DiskTaken);
  });
});
