// Block requests on the virtual disk, and drivers that break the rules of its rings.

import { beforeEach, describe, expect, test } from "vitest";
import { HIGH_MEMORY_BASE } from "../../../../monitor/interface.ts";
import {
  AVAILABLE, BUFFERS, COMMON, DESCRIPTORS, type DiskDriver, FLAG, patternDisk, REQUEST, RESULT, SECTOR, type Segment, startWithDisk, STATUS, USED, VECTOR,
} from "./virtio-driver.ts";

const HEADER: Segment = { address: BUFFERS, length: 16, isWritable: false };
const STATUS_BYTE: Segment = { address: BUFFERS + 0x100, length: 1, isWritable: true };
const INDIRECT_TABLE = BUFFERS + 0x200;

let disk: DiskDriver;

beforeEach(async () => {
  disk = await startWithDisk();
  disk.initialise();
});

describe("requests", () => {
  test("IN reads sectors, and the queue's vector is pending", () => {
    expect(disk.request(REQUEST.in, 3, { length: 2 * SECTOR })).toBe(RESULT.ok);
    expect(disk.data.subarray(0, 2 * SECTOR)).toEqual(patternDisk(64).subarray(3 * SECTOR, 5 * SECTOR));
    expect(disk.partition.pendingVector()).toBe(VECTOR.queue);
  });

  test("OUT writes sectors, which IN reads back", () => {
    disk.data.fill(0xa5, 0, SECTOR);
    expect(disk.request(REQUEST.out, 63, { length: SECTOR })).toBe(RESULT.ok);
    const expected = patternDisk(64);
    expected.fill(0xa5, 63 * SECTOR);
    expect(disk.partition.disk).toEqual(expected);
    disk.data.fill(0);
    expect(disk.request(REQUEST.in, 63, { length: SECTOR })).toBe(RESULT.ok);
    expect(disk.data.subarray(0, SECTOR)).toEqual(Buffer.alloc(SECTOR, 0xa5));
  });

  test("FLUSH is answered, GET_ID gives 20 bytes, another type is unsupported", () => {
    expect(disk.request(REQUEST.flush, 0, { length: 0 })).toBe(RESULT.ok);
    expect(disk.request(REQUEST.getId, 0, { length: 20 })).toBe(RESULT.ok);
    expect(disk.data.toString("latin1", 0, 20)).toBe("bulkhead disk".padEnd(20, "\0"));
    expect(disk.request(11, 0, { length: SECTOR, isWritable: false })).toBe(RESULT.unsupported);
  });

  test.each([
    ["one sector after the last", 64n, SECTOR],
    ["across the end", 63n, 2 * SECTOR],
    ["a sector number whose bytes wrap", 1n << 55n, SECTOR],
    ["the largest sector number", (1n << 64n) - 1n, SECTOR],
    ["half a sector", 0n, 256],
  ])("%s is an I/O error, and nothing moves", (_, sector, length) => {
    for (const type of [REQUEST.in, REQUEST.out]) {
      disk.data.fill(0x5a, 0, length);
      expect(disk.request(type, sector, { length })).toBe(RESULT.ioError);
      expect(disk.data.subarray(0, length)).toEqual(Buffer.alloc(length, 0x5a));
      expect(disk.partition.disk).toEqual(patternDisk(64));
    }
    expect(disk.needsReset).toBe(false);
  });

  test("a read-only disk refuses OUT and gives what it has", async () => {
    disk = await startWithDisk({ isDiskReadOnly: true });
    disk.initialise();
    expect(disk.request(REQUEST.out, 0, { length: SECTOR })).toBe(RESULT.ioError);
    expect(disk.request(REQUEST.in, 1, { length: SECTOR })).toBe(RESULT.ok);
    expect(disk.data.subarray(0, SECTOR)).toEqual(patternDisk(64).subarray(SECTOR, 2 * SECTOR));
  });

  test.each([
    ["behind the memory", BigInt(2 << 20)],
    ["across its end", BigInt((2 << 20) - 256)],
    ["where the local APIC is", 0xfee0_0000n],
    ["above 4 GiB without memory there", BigInt(HIGH_MEMORY_BASE)],
    ["the highest address", 0xffff_ffff_ffff_f000n],
  ])("a buffer %s is an I/O error both ways, and the disk stays as it is", (_, address) => {
    expect(disk.request(REQUEST.in, 0, { length: SECTOR, address })).toBe(RESULT.ioError);
    expect(disk.request(REQUEST.out, 0, { length: SECTOR, address })).toBe(RESULT.ioError);
    expect(disk.partition.disk).toEqual(patternDisk(64));
  });

  test("a request may lie in any segments, and in an indirect table behind others", () => {
    disk.putHeader(REQUEST.in, 5);
    const pieces: Segment[] = [
      { address: BUFFERS + 3, length: 0, isWritable: false },
      { address: BUFFERS + 7, length: 9, isWritable: false },
      { address: BUFFERS + 0x1000, length: 100, isWritable: true },
      { address: 0, length: 0, isWritable: true },
      { address: BUFFERS + 0x1064, length: 413, isWritable: true },
    ];
    disk.putChain(pieces, 0, INDIRECT_TABLE);
    disk.putDescriptor(0, BUFFERS, 7, FLAG.next, 3);
    disk.putDescriptor(3, INDIRECT_TABLE, pieces.length * 16, FLAG.indirect);
    disk.offer(0);
    disk.notify();
    expect(disk.takeUsed()).toEqual([{ head: 0, length: SECTOR + 1 }]);
    expect(disk.data.subarray(0, SECTOR)).toEqual(patternDisk(64).subarray(5 * SECTOR, 6 * SECTOR));
    expect(disk.data[SECTOR]).toBe(RESULT.ok);
  });

  test("several chains are answered by one notification, over the wrap of the ring", () => {
    for (let round = 0; round < 70_000; round += 4) {
      if (round < 40 || round > 65_500) {
        for (const head of [0, 2, 4, 6]) disk.putChain([HEADER, STATUS_BYTE], head);
        disk.putHeader(REQUEST.flush, 0);
      }
      for (const head of [0, 2, 4, 6]) disk.offer(head);
      disk.notify();
      expect(disk.takeUsed().map(({ head }) => head)).toEqual([0, 2, 4, 6]);
    }
  });

  test("no interrupt where the driver asks for none; with MSI-X off the ISR status says why, once", () => {
    disk.memory.writeUInt16LE(1, AVAILABLE);
    disk.request(REQUEST.flush, 0, { length: 0 });
    expect(disk.partition.pendingVector()).toBe(0);
    disk.memory.writeUInt16LE(0, AVAILABLE);
    disk.configWrite(disk.capabilities(0x11)[0]!, 0);
    disk.request(REQUEST.flush, 0, { length: 0 });
    expect([disk.partition.pendingVector(), disk.read(3, 0, 1), disk.read(3, 0, 1)]).toEqual([0, 1, 0]);
  });

  test("nothing is done before DRIVER_OK, nor without bus mastering", () => {
    disk.setStatus(STATUS.acknowledge | STATUS.driver | STATUS.featuresOk);
    expect(disk.request(REQUEST.flush, 0, { length: 0 })).toBeUndefined();
    disk.setStatus(STATUS.acknowledge | STATUS.driver | STATUS.featuresOk | STATUS.driverOk);
    disk.configWrite(0x04, 2);
    disk.notify();
    expect(disk.takeUsed()).toEqual([]);
    disk.configWrite(0x04, 6);
    disk.notify();
    expect(disk.takeUsed()).toHaveLength(1);
  });
});

describe("what one exit takes is bounded", () => {
  test("a long request goes on at deadlines", async () => {
    disk = await startWithDisk({ disk: patternDisk(2048), lowMemory: 4 << 20 });
    disk.initialise();
    expect(disk.request(REQUEST.in, 0, { length: 2048 * SECTOR, address: 2 << 20 })).toBeUndefined();
    const moved = disk.memory.subarray(2 << 20, (2 << 20) + 2048 * SECTOR);
    expect(moved.equals(patternDisk(2048))).toBe(false);
    let calls = 0;
    for (; disk.partition.deadline() !== 0xffff_ffff_ffff_ffffn && calls < 100; calls++) {
      disk.partition.tsc = disk.partition.deadline();
      disk.partition.monitor.timer(0);
    }
    expect(calls).toBe(8);
    expect(disk.takeUsed()).toEqual([{ head: 0, length: 2048 * SECTOR + 1 }]);
    expect(moved.equals(patternDisk(2048))).toBe(true);
  });

  test("a request of 256 segments is answered", () => {
    disk.initialise({ size: 256 });
    disk.putHeader(REQUEST.in, 0);
    const data = Array.from({ length: 254 }, (_, index): Segment => ({ address: BUFFERS + 0x1000 + index * 2, length: index < 2 ? 4 : 2, isWritable: true }));
    disk.putChain([HEADER, ...data, STATUS_BYTE]);
    disk.offer(0);
    disk.notify();
    disk.partition.advance(1_000_000n);
    expect(disk.takeUsed()).toEqual([{ head: 0, length: SECTOR + 1 }]);
  });

  test("a reset forgets what was left", async () => {
    disk = await startWithDisk({ disk: patternDisk(2048), lowMemory: 4 << 20 });
    disk.initialise();
    expect(disk.request(REQUEST.in, 0, { length: 2048 * SECTOR, address: 2 << 20 })).toBeUndefined();
    disk.setStatus(0);
    const before = Buffer.from(disk.memory);
    disk.partition.advance(1_000_000n);
    expect(disk.memory.equals(before)).toBe(true);
  });
});

describe("a driver that breaks the rings must reset the device", () => {
  const hostile: [string, () => void][] = [
    ["a loop in the chain", () => {
      disk.putDescriptor(0, BUFFERS, 16, FLAG.next, 1);
      disk.putDescriptor(1, BUFFERS, 16, FLAG.next, 0);
      disk.offer(0);
    }],
    ["a head outside the table", () => disk.offer(8)],
    ["a link outside the table", () => {
      disk.putDescriptor(0, BUFFERS, 16, FLAG.next, 8);
      disk.offer(0);
    }],
    ["an index that runs ahead", () => disk.memory.writeUInt16LE(9, AVAILABLE + 2)],
    ["no room for the status", () => {
      disk.putChain([HEADER]);
      disk.offer(0);
    }],
    ["a header too short", () => {
      disk.putChain([{ ...HEADER, length: 15 }, STATUS_BYTE]);
      disk.offer(0);
    }],
    ["a readable segment behind a writable one", () => {
      disk.putChain([HEADER, STATUS_BYTE, HEADER]);
      disk.offer(0);
    }],
    ["a segment that wraps", () => {
      disk.putChain([HEADER, { address: 0xffff_ffff_ffff_f000n, length: 0x2000, isWritable: true }, STATUS_BYTE]);
      disk.offer(0);
    }],
    ["an indirect table in an indirect table", () => {
      disk.putDescriptor(0, INDIRECT_TABLE, 16, FLAG.indirect, 0, INDIRECT_TABLE);
      disk.putDescriptor(0, INDIRECT_TABLE, 16, FLAG.indirect);
      disk.offer(0);
    }],
    ["an indirect table with a next descriptor", () => {
      disk.putDescriptor(0, INDIRECT_TABLE, 32, FLAG.indirect | FLAG.next, 1);
      disk.offer(0);
    }],
    ["an indirect table of 0 and of 17 bytes", () => {
      disk.putDescriptor(0, INDIRECT_TABLE, 17, FLAG.indirect);
      disk.offer(0);
    }],
    ["an indirect table outside the memory", () => {
      disk.putDescriptor(0, 0x4000_0000, 64, FLAG.indirect);
      disk.offer(0);
    }],
    ["a chain of 257 in an indirect table", () => {
      disk.putChain([...Array.from({ length: 256 }, () => HEADER), STATUS_BYTE], 0, INDIRECT_TABLE);
      disk.putDescriptor(0, INDIRECT_TABLE, 257 * 16, FLAG.indirect);
      disk.offer(0);
    }],
  ];

  test.each(hostile)("%s", (_, break_) => {
    disk.putHeader(REQUEST.flush, 0);
    break_();
    disk.notify();
    expect(disk.needsReset).toBe(true);
    expect(disk.takeUsed()).toEqual([]);
    expect(disk.partition.pendingVector()).toBe(VECTOR.configuration);
    expect(disk.request(REQUEST.flush, 0, { length: 0 })).toBeUndefined();
    disk.initialise();
    expect(disk.request(REQUEST.flush, 0, { length: 0 })).toBe(RESULT.ok);
  });

  test("rings outside the memory", () => {
    for (const [field, address] of [[COMMON.descriptors, 0x7fff_0000], [COMMON.available, 0xfee0_0000], [COMMON.available, 0xffff_ffff]] as const) {
      disk.setStatus(0);
      disk.initialise();
      disk.setStatus(0);
      disk.acceptFeatures(0, 1);
      disk.setStatus(STATUS.featuresOk);
      for (const [place, value] of [[COMMON.descriptors, DESCRIPTORS], [COMMON.available, AVAILABLE], [COMMON.used, USED], [field, address]] as const) disk.write(1, place, 4, value);
      disk.write(1, COMMON.queueEnable, 2, 1);
      disk.setStatus(STATUS.featuresOk | STATUS.driverOk);
      disk.putChain([HEADER, STATUS_BYTE]);
      disk.memory.writeUInt16LE(1, AVAILABLE + 2);
      disk.notify();
      expect(disk.needsReset).toBe(true);
    }
  });

  test("indirect descriptors that were not negotiated", () => {
    disk.initialise({ features: 0 });
    disk.putChain([HEADER, STATUS_BYTE], 0, INDIRECT_TABLE);
    disk.putDescriptor(0, INDIRECT_TABLE, 32, FLAG.indirect);
    disk.offer(0);
    disk.notify();
    expect(disk.needsReset).toBe(true);
  });
});
