// The virtual disk as a PCI function: identity, capabilities, BAR, and what its structures answer.

import { beforeEach, describe, expect, test } from "vitest";
import { AccessStatus, PCI_WINDOW_END } from "../../../../monitor/interface.ts";
import { startPartition } from "../harness.ts";
import { CAPABILITY, COMMAND, configRead, FIRST_ASSIGNED, startWithFunctions } from "./pci-functions.ts";
import { COMMON, DISK_DEVICE, type DiskDriver, FEATURE, startWithDisk, STATUS } from "./virtio-driver.ts";

const ONES = 0xffff_ffff;

let disk: DiskDriver;

beforeEach(async () => {
  disk = await startWithDisk();
});

describe("configuration space", () => {
  test("says virtio block, revision 1, without a legacy interface, on pin A", () => {
    expect([disk.config(0), disk.config(8) & 0xff, disk.config(8) >>> 24, disk.config(0x3c)]).toEqual([0x1042_1af4, 1, 0x01, 0x10a]);
    expect(disk.config(0x2c) >>> 16).toBeGreaterThanOrEqual(0x40);
  });

  test("is there without assigned functions, and not without a disk", async () => {
    expect(configRead(disk.partition, 0, 0)).toBe(0x0d57_8086);
    const without = await startPartition();
    for (let device = 0; device < 32; device++) expect(configRead(without, device, 0)).toBe(ONES);
  });

  test("stands beside eight assigned functions", async () => {
    const partition = await startWithFunctions(Array.from({ length: 8 }, (_, index) => ({ identity: 0x1234_0000 + index })), { disk: Buffer.alloc(512) });
    expect(configRead(partition, DISK_DEVICE, 0)).toBe(0x1042_1af4);
    for (let index = 0; index < 8; index++) expect(configRead(partition, FIRST_ASSIGNED + index, 0)).toBe(0x1234_0000 + index);
  });

  test("its capabilities name five structures in BAR 0, and MSI-X", () => {
    const structures = disk.capabilities(0x09).map((offset) => ({ type: disk.config(offset) >>> 24, bar: disk.config(offset + 4) & 0xff, at: disk.config(offset + 8), length: disk.config(offset + 12) }));
    expect(structures.map(({ type }) => type)).toEqual([1, 2, 3, 4, 5]);
    expect(structures.every(({ bar }) => bar === 0)).toBe(true);
    expect(structures.find(({ type }) => type === 1)?.length).toBe(0x38);
    expect(disk.capabilities(CAPABILITY.msix)).toHaveLength(1);
    expect((disk.config(disk.capabilities(CAPABILITY.msix)[0]!) >>> 16) & 0x7ff).toBe(1);
  });

  test("the BAR can be sized and moved, and the structures and the MSI-X table move with it", () => {
    expect(disk.config(0x10)).toBe(PCI_WINDOW_END);
    disk.configWrite(0x10, ONES);
    expect(disk.config(0x10)).toBe(0xffff_e000);
    disk.configWrite(0x10, 0xd012_2000);
    disk.initialise();
    expect(disk.status).toBe(STATUS.acknowledge | STATUS.driver | STATUS.featuresOk | STATUS.driverOk);
    expect(disk.structures.get(1)).toBe(0xd012_2000n);
    disk.partition.monitor.memoryRead(0, BigInt(PCI_WINDOW_END), 4);
    expect(disk.partition.status).toBe(AccessStatus.OpenBus);
    expect(disk.partition.read32(0xd012_3008n)).toBe(0x61);
  });

  test("answers no memory access before memory space is enabled", () => {
    expect(disk.read(1, COMMON.queues, 2)).toBe(0xffff);
    expect(disk.partition.status).toBe(AccessStatus.OpenBus);
    disk.configWrite(COMMAND, 2);
    expect(disk.read(1, COMMON.queues, 2)).toBe(1);
    expect(disk.partition.status).toBe(AccessStatus.Done);
  });

  test("the window reaches the structures without memory accesses", () => {
    const window = disk.capabilities(0x09).at(-1)!;
    const through = (at: number, length: number): number => {
      disk.configWrite(window + 8, at);
      disk.configWrite(window + 12, length);
      return disk.config(window + 16);
    };
    expect(through(COMMON.queues, 2)).toBe(1);
    expect(through(COMMON.queueSize, 2)).toBe(256);
    disk.configWrite(window + 16, 64);
    expect(through(COMMON.queueSize, 2)).toBe(64);
    for (const [at, length] of [[COMMON.queues, 3], [COMMON.queues, 0], [0x1000, 4], [ONES, 1], [COMMON.queues, 4]] as const) expect(through(at, length)).toBe(0);
    disk.configWrite(window + 4, 1);
    expect(through(COMMON.queues, 2)).toBe(0);
  });
});

describe("initialisation", () => {
  beforeEach(() => disk.configWrite(COMMAND, 6));

  test("offers version 1, indirect descriptors, flush, block size and the number of segments", () => {
    expect(disk.features(0)).toBe(FEATURE.segmentMaximum | FEATURE.blockSize | FEATURE.flush | FEATURE.indirect);
    expect([disk.features(1), disk.features(2)]).toEqual([1, 0]);
  });

  test("offers read-only where the policy says so", async () => {
    const readOnly = await startWithDisk({ isDiskReadOnly: true });
    readOnly.configWrite(COMMAND, 6);
    expect(readOnly.features(0) & FEATURE.readOnly).toBe(FEATURE.readOnly);
  });

  test("tells capacity, segments and block size", () => {
    expect([0, 4, 8, 0xc, 0x10, 0x14].map((offset) => disk.read(4, offset, 4))).toEqual([64, 0, 0, 254, 0, 512]);
    expect(disk.partition.monitor.memoryRead(0, disk.structures.get(4)!, 8)).toBe(64n);
  });

  test.each([["what is not offered", 1, 1], ["no version 1", 0, 0], ["what is not offered above bit 31", 0, 3]])("refuses a driver that accepts %s", (_, low, high) => {
    disk.setStatus(STATUS.acknowledge | STATUS.driver);
    disk.acceptFeatures(low, high);
    disk.setStatus(STATUS.acknowledge | STATUS.driver | STATUS.featuresOk);
    expect(disk.status).toBe(STATUS.acknowledge | STATUS.driver);
  });

  test("accepted features stay as they are", () => {
    disk.initialise();
    disk.acceptFeatures(0, 0);
    disk.write(1, COMMON.driverFeatureSelect, 4, 1);
    expect(disk.read(1, COMMON.driverFeature, 4)).toBe(1);
  });

  test("a queue of a size that is no power of two, or too large, is not taken", () => {
    for (const size of [0, 3, 257, 512, 0xffff]) {
      disk.write(1, COMMON.queueSize, 2, size);
      expect(disk.read(1, COMMON.queueSize, 2)).toBe(256);
    }
    disk.write(1, COMMON.queueSize, 2, 16);
    expect(disk.read(1, COMMON.queueSize, 2)).toBe(16);
  });

  test("a queue that there is not has size 0 and takes nothing", () => {
    disk.write(1, COMMON.queueSelect, 2, 1);
    disk.write(1, COMMON.queueEnable, 2, 1);
    disk.write(1, COMMON.descriptors, 4, 0x1000);
    expect([COMMON.queueSize, COMMON.queueEnable, COMMON.descriptors].map((offset) => disk.read(1, offset, 2))).toEqual([0, 0, 0]);
    disk.write(1, COMMON.queueSelect, 2, 0);
    expect([COMMON.queueEnable, COMMON.descriptors].map((offset) => disk.read(1, offset, 2))).toEqual([0, 0]);
  });

  test("a vector that the table does not have reads back as none", () => {
    for (const [vector, read] of [[1, 1], [2, 0xffff], [0, 0], [0xffff, 0xffff]] as const) {
      disk.write(1, COMMON.configVector, 2, vector);
      disk.write(1, COMMON.queueVector, 2, vector);
      expect([disk.read(1, COMMON.configVector, 2), disk.read(1, COMMON.queueVector, 2)]).toEqual([read, read]);
    }
  });

  test("status 0 makes everything as it was", () => {
    disk.initialise();
    disk.setStatus(0);
    expect(Array.from({ length: 14 }, (_, word) => disk.read(1, word * 4, 4))).toEqual([
      0, disk.features(0), 0, 0, 0x0001_ffff, 0, 0xffff_0100, 0, 0, 0, 0, 0, 0, 0,
    ]);
  });
});
