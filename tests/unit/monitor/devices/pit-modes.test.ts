// The 8254's six modes, BCD and counts written to a running channel (Intel 8254 data sheet, mode definitions).

import { beforeEach, describe, expect, test } from "vitest";
import { NEVER, type SimulatedPartition, startPartition } from "../harness.ts";

const HERTZ = 1193182n;
const START = 1_000_000_000n;
const GATE = 0x61;
let partition: SimulatedPartition;

const tscOf = (ticks: bigint) => (ticks * partition.tscFrequency + HERTZ - 1n) / HERTZ;
const at = (ticks: number) => {
  partition.tsc = START + tscOf(BigInt(ticks));
};
const writeCount = (channel: number, count: number) => {
  partition.out8(0x40 + channel, count & 0xff);
  partition.out8(0x40 + channel, count >> 8);
};
const program = (channel: number, mode: number, count: number, decimal = 0) => {
  partition.out8(0x43, (channel << 6) | 0x30 | (mode << 1) | decimal);
  writeCount(channel, count);
};
const count = (channel: number) => {
  partition.out8(0x43, channel << 6);
  return partition.in8(0x40 + channel) | (partition.in8(0x40 + channel) << 8);
};
const status = (channel: number) => {
  partition.out8(0x43, 0xe0 | (2 << channel));
  return partition.in8(0x40 + channel);
};
const output2 = () => (partition.in8(GATE) >> 5) & 1;
/** OUT of channel 2 at these ticks. */
const outputs = (...ticks: number[]) => ticks.map((tick) => {
  at(tick);
  return output2();
});
const counts = (channel: number, ...ticks: number[]) => ticks.map((tick) => {
  at(tick);
  return count(channel);
});

beforeEach(async () => {
  partition = await startPartition({ tscFrequency: 20_000_000n, tsc: START });
  partition.out8(GATE, 1);
});

describe("modes", () => {
  test("0: a new count starts anew with OUT low; its first byte stops the old one", () => {
    program(2, 0, 100);
    expect(outputs(99, 100, 150)).toEqual([0, 1, 1]);
    partition.out8(0x42, 50);
    expect(outputs(151, 400)).toEqual([0, 0]);
    partition.out8(0x42, 0);
    expect(outputs(449, 450)).toEqual([0, 1]);
  });

  test("1: waits for the gate, is retriggered by it, and takes a new count at the next trigger", () => {
    program(2, 1, 100);
    expect(outputs(0, 500)).toEqual([1, 1]);
    partition.out8(GATE, 0);
    partition.out8(GATE, 1);
    expect(outputs(500, 560)).toEqual([0, 0]);
    partition.out8(GATE, 0); // a low gate does not stop it
    partition.out8(GATE, 1); // retriggered
    expect(outputs(600, 659, 660)).toEqual([0, 0, 1]);
    writeCount(2, 10);
    expect([output2(), status(2) & 0x40]).toEqual([1, 0x40]);
    partition.out8(GATE, 0);
    partition.out8(GATE, 1);
    expect(outputs(660, 669, 670)).toEqual([0, 0, 1]);
    expect(status(2) & 0x40).toBe(0);
  });

  test("1: a count written while it runs leaves the pulse as it is", () => {
    program(2, 1, 100);
    partition.out8(GATE, 0);
    partition.out8(GATE, 1);
    at(50);
    writeCount(2, 10);
    expect(outputs(61, 99, 100)).toEqual([0, 0, 1]);
  });

  test("2: a new count counts from the end of the period", () => {
    program(2, 2, 100);
    at(30);
    writeCount(2, 40);
    expect(status(2) & 0x40).toBe(0x40);
    expect(counts(2, 31, 99, 100, 139, 140)).toEqual([69, 1, 40, 1, 40]);
    expect(outputs(139, 140, 179)).toEqual([0, 1, 0]);
    expect(status(2) & 0x40).toBe(0);
  });

  test("2: the gate takes OUT high, and its rise starts with the new count", () => {
    program(2, 2, 100);
    at(99);
    partition.out8(GATE, 0);
    expect(output2()).toBe(1);
    writeCount(2, 40);
    at(200);
    partition.out8(GATE, 1);
    expect(outputs(238, 239, 240)).toEqual([1, 0, 1]);
  });

  test("3: an odd count is high one tick longer and counts even numbers", () => {
    program(2, 3, 7);
    expect(outputs(0, 3, 4, 6, 7, 10, 11)).toEqual([1, 1, 0, 0, 1, 1, 0]);
    expect(counts(2, 14, 15, 16, 17, 18, 19, 20)).toEqual([6, 4, 2, 0, 6, 4, 2]);
  });

  test("3: a new count counts from the end of the half", () => {
    program(2, 3, 100);
    at(10);
    writeCount(2, 20);
    expect(outputs(49, 50, 59, 60, 69, 70)).toEqual([1, 0, 0, 1, 1, 0]);
    writeCount(2, 100); // in the low half
    expect(outputs(79, 80, 129, 130, 180)).toEqual([0, 1, 1, 0, 1]);
  });

  test("4: one tick low after the count, again for a new count at once", () => {
    program(2, 4, 100);
    expect(outputs(0, 99, 100, 101, 70_000)).toEqual([1, 1, 0, 1, 1]);
    writeCount(2, 5);
    expect(outputs(70_004, 70_005, 70_006)).toEqual([1, 0, 1]);
  });

  test("5: as 4, but for the gate's trigger", () => {
    program(2, 5, 100);
    expect(outputs(100, 200)).toEqual([1, 1]);
    partition.out8(GATE, 0);
    partition.out8(GATE, 1);
    expect(outputs(299, 300, 301)).toEqual([1, 0, 1]);
  });

  test.each([[6, 2], [7, 3]])("mode bits %i mean %i", (written, mode) => {
    program(0, written, 100);
    expect((status(0) >> 1) & 7).toBe(mode);
  });
});

describe("BCD", () => {
  test("counts four decimal digits, and says so in the status", () => {
    program(2, 2, 0x1000, 1);
    expect(status(2)).toBe(0xb5);
    expect(counts(2, 0, 1, 999, 1000)).toEqual([0x1000, 0x0999, 0x0001, 0x1000]);
  });

  test("0 is 10,000, and mode 0 goes on with 9999", () => {
    program(2, 0, 0, 1);
    expect(counts(2, 0, 1, 9999, 10_000, 10_001)).toEqual([0, 0x9999, 1, 0, 0x9999]);
    expect(outputs(9_999, 10_000)).toEqual([0, 1]);
  });

  test("the next control word takes it back", () => {
    program(2, 2, 0x1000, 1);
    program(2, 2, 0x1000);
    expect(counts(2, 1)).toEqual([0x0fff]);
  });
});

describe("channels", () => {
  test("are apart: a half-written count of one leaves the others' counts", () => {
    program(1, 2, 1000);
    program(2, 2, 1000);
    at(100);
    for (const channel of [0, 1]) {
      partition.out8(0x43, (channel << 6) | 0x34);
      partition.out8(0x40 + channel, 0xff);
      expect(count(2)).toBe(900);
    }
    program(1, 2, 500);
    partition.out8(0x40, 0x12);
    expect([count(1), count(2)]).toEqual([500, 900]);
  });

  test("read-back of several, each held until it is read", () => {
    program(0, 2, 1000);
    program(2, 0, 2000);
    partition.out8(0x43, 0xda); // counts of 0 and 2
    at(100);
    expect([partition.in8(0x40) | (partition.in8(0x40) << 8), partition.in8(0x42) | (partition.in8(0x42) << 8)]).toEqual([1000, 2000]);
    expect([count(0), count(2)]).toEqual([900, 1900]);
  });
});

describe("interrupts of channel 0", () => {
  beforeEach(() => {
    for (const [port, value] of [[0x20, 0x11], [0x21, 0x30], [0x21, 4], [0x21, 3], [0x21, 0xfe]] as const) partition.out8(port, value);
  });
  const fire = () => {
    partition.tsc = partition.deadline();
    partition.monitor.timer(0);
    return partition.monitor.acknowledge(0);
  };

  test.each([2, 3, 4])("programming mode %i after reset is no interrupt, after mode 0 it is one", (mode) => {
    program(0, mode, 1000);
    expect(partition.pendingVector()).toBe(0);
    program(0, 0, 1000);
    program(0, mode, 1000);
    expect(partition.monitor.acknowledge(0)).toBe(0x30);
  });

  test("a new count comes after the period that runs", () => {
    program(0, 2, 1000);
    at(300);
    writeCount(0, 400);
    expect(partition.deadline()).toBe(START + tscOf(1000n));
    expect(fire()).toBe(0x30);
    expect(partition.deadline()).toBe(START + tscOf(1400n));
  });

  test("of a square wave, after the half that runs", () => {
    program(0, 3, 1000);
    at(300);
    writeCount(0, 400);
    expect(partition.deadline()).toBe(START + tscOf(700n));
    expect(fire()).toBe(0x30);
    expect(partition.deadline()).toBe(START + tscOf(1100n));
  });

  test("the first byte of a count in mode 0 takes the deadline away", () => {
    program(0, 0, 1000);
    partition.out8(0x40, 1);
    expect(partition.deadline()).toBe(NEVER);
    partition.out8(0x40, 0);
    expect(partition.deadline()).toBe(START + tscOf(1n));
  });

  test("a period too short to get on in leaves 1024 TSC ticks between", () => {
    program(0, 2, 2);
    expect(fire()).toBe(0x30);
    expect(partition.deadline()).toBe(partition.tsc + 1024n);
    expect(fire()).toBe(0x30);
  });
});
