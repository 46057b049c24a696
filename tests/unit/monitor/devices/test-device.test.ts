import { beforeEach, describe, expect, test } from "vitest";
import { AccessStatus, Device, PartitionRequest, TEST_MEMORY_BASE, TEST_MEMORY_SIZE } from "../../../../monitor/interface.ts";
import { ALL_DEVICES, type SimulatedPartition, startPartition } from "../harness.ts";

const MEMORY = BigInt(TEST_MEMORY_BASE);
let partition: SimulatedPartition;

beforeEach(async () => {
  partition = await startPartition({ devices: ALL_DEVICES | Device.Test });
});

test.each([[0, "0"], [1, "1"], [4294967295, "4294967295"], [1010, "1010"]])("a write of %s to 0xf4 prints it and asks for power-off", (status, text) => {
  partition.out32(0xf4, status);
  expect(partition.takeOutput()).toBe(`test device: exit status ${text}\n`);
  expect(partition.request).toBe(PartitionRequest.PowerOff);
});

describe("data ports", () => {
  test("keep bytes and words, each at its place", () => {
    partition.out32(0xe0, 0x1234_5678);
    partition.out8(0xe1, 0xaa);
    partition.out8(0xe8, 0x42);
    expect([partition.in32(0xe0), partition.in8(0xe3), partition.in8(0xe8)]).toEqual([0x1234_aa78, 0x12, 0x42]);
  });

  test("a page to flush is taken", () => {
    partition.out32(0xe4, 0x1000);
    expect(partition.status).toBe(AccessStatus.Done);
  });
});

test("0x2000 + n drives line n", () => {
  partition.write32(0xfec0_0000n, 0x10 + 2 * 15);
  partition.write32(0xfec0_0010n, 0x77);
  partition.writeMsr(0x1b, 0xfee0_0d00n);
  partition.writeMsr(0x80f, 0x1ffn);
  partition.out8(0x2000 + 15, 1);
  expect(partition.pendingVector()).toBe(0x77);
  partition.monitor.acknowledge(0);
  partition.writeMsr(0x80b, 0n);
  partition.out8(0x2000 + 15, 0);
  expect(partition.pendingVector()).toBe(0);
});

test("a line that falls again leaves its edge requested at the PIC, but not its level", () => {
  const pulse = (): number => {
    partition.out8(0x200b, 1);
    partition.out8(0x200b, 0);
    return partition.in8(0xa0);
  };
  expect(pulse()).toBe(1 << 3);
  partition.out8(0x4d1, 1 << 3);
  expect(pulse()).toBe(0);
});

describe("memory", () => {
  test("keeps what is written, in any size", () => {
    partition.monitor.memoryWrite(0, MEMORY + 8n, 8, 0x1122_3344_5566_7788n);
    partition.monitor.memoryWrite(0, MEMORY + 9n, 1, 0xffn);
    expect(partition.monitor.memoryRead(0, MEMORY + 8n, 4)).toBe(0x5566_ff88n);
    expect(partition.status).toBe(AccessStatus.Done);
  });

  test("ends after its page", () => {
    partition.monitor.memoryRead(0, MEMORY + BigInt(TEST_MEMORY_SIZE) - 2n, 4);
    expect(partition.status).toBe(AccessStatus.OpenBus);
  });
});

test("is not there unless the policy grants it", async () => {
  partition = await startPartition();
  const statuses = [0xe0, 0xe8, 0xf4, 0x2000].map((port) => {
    partition.out8(port, 1);
    return partition.status;
  });
  partition.monitor.memoryRead(0, MEMORY, 4);
  expect([...statuses, partition.status, partition.request]).toEqual([...Array.from({ length: 5 }, () => AccessStatus.OpenBus), PartitionRequest.None]);
});
