import { beforeEach, describe, expect, test } from "vitest";
import { NEVER, type SimulatedPartition, startPartition } from "../harness.ts";

const HERTZ = 1193182n;
let partition: SimulatedPartition;

/** First TSC tick, from the start, at which `ticks` of the PIT have passed. */
const tscOf = (ticks: bigint) => (ticks * partition.tscFrequency + HERTZ - 1n) / HERTZ;
const start = 1_000_000_000n;
const at = (ticks: bigint) => {
  partition.tsc = start + tscOf(ticks);
};
const program = (channel: number, mode: number, count: number) => {
  partition.out8(0x43, (channel << 6) | 0x30 | (mode << 1));
  partition.out8(0x40 + channel, count & 0xff);
  partition.out8(0x40 + channel, count >> 8);
};
const readLatched = (channel: number) => {
  partition.out8(0x43, channel << 6);
  return partition.in8(0x40 + channel) | (partition.in8(0x40 + channel) << 8);
};
const output2 = () => (partition.in8(0x61) >> 5) & 1;
/** PIC initialised with only IRQ 0 unmasked; each interrupt is acknowledged and ended. */
const unmaskTimer = () => {
  for (const value of [0x11, 0x30, 4, 3].entries()) partition.out8(value[0] === 0 ? 0x20 : 0x21, value[1]);
  partition.out8(0x21, 0xfe);
};

beforeEach(async () => {
  partition = await startPartition({ tscFrequency: 20_000_000n, tsc: start });
});

describe("counting", () => {
  test("mode 0 counts down and past zero; OUT rises at the terminal count", () => {
    partition.out8(0x61, 1);
    program(2, 0, 1000);
    expect([readLatched(2), output2()]).toEqual([1000, 0]);
    at(999n);
    expect([readLatched(2), output2()]).toEqual([1, 0]);
    at(1000n);
    expect([readLatched(2), output2()]).toEqual([0, 1]);
    at(1001n);
    expect([readLatched(2), output2()]).toEqual([0xffff, 1]);
  });

  test("mode 2 reloads; OUT is low for the last tick", () => {
    partition.out8(0x61, 1);
    program(2, 2, 100);
    at(99n);
    expect([readLatched(2), output2()]).toEqual([1, 0]);
    at(100n);
    expect([readLatched(2), output2()]).toEqual([100, 1]);
    at(100n * 12345n + 30n);
    expect(readLatched(2)).toBe(70);
  });

  test("mode 3 counts by two and gives a square wave", () => {
    partition.out8(0x61, 1);
    program(2, 3, 100);
    at(20n);
    expect([readLatched(2), output2()]).toEqual([60, 1]);
    at(49n);
    expect(output2()).toBe(1);
    at(50n);
    expect([readLatched(2), output2()]).toEqual([100, 0]);
    at(100n);
    expect(output2()).toBe(1);
  });

  test("count 0 is 65536, and one-byte access modes", () => {
    program(0, 2, 0);
    at(1n);
    expect(readLatched(0)).toBe(0xffff);
    partition.out8(0x43, 0x14); // low byte only, mode 2
    partition.out8(0x40, 50);
    at(11n);
    expect([partition.in8(0x40), partition.in8(0x40)]).toEqual([40, 40]);
  });

  test("unlatched reads alternate the bytes", () => {
    program(0, 2, 0x1234);
    expect([partition.in8(0x40), partition.in8(0x40), partition.in8(0x40)]).toEqual([0x34, 0x12, 0x34]);
  });

  test("a latch holds until it is read", () => {
    program(0, 2, 0x1234);
    partition.out8(0x43, 0);
    at(100n);
    expect(partition.in8(0x40) | (partition.in8(0x40) << 8)).toBe(0x1234);
    expect(readLatched(0)).toBe(0x1234 - 100);
  });

  test("read-back latches status before count", () => {
    program(0, 2, 0x1234);
    partition.out8(0x43, 0xc2); // status and count of channel 0
    expect([partition.in8(0x40), partition.in8(0x40), partition.in8(0x40)]).toEqual([0xb4, 0x34, 0x12]);
    partition.out8(0x43, 0x30); // mode 0, no count yet
    partition.out8(0x43, 0xe2); // status only
    expect(partition.in8(0x40)).toBe(0x70);
  });
});

describe("gate of channel 2", () => {
  test("low holds mode 0, high goes on", () => {
    partition.out8(0x61, 1);
    program(2, 0, 1000);
    at(300n);
    partition.out8(0x61, 0);
    at(5000n);
    expect([readLatched(2), output2()]).toEqual([700, 0]);
    partition.out8(0x61, 1);
    at(5699n);
    expect(output2()).toBe(0);
    at(5700n);
    expect(output2()).toBe(1);
  });

  test("rising restarts mode 2 and triggers mode 1", () => {
    partition.out8(0x61, 0);
    program(2, 2, 100);
    at(40n);
    partition.out8(0x61, 1);
    expect(readLatched(2)).toBe(100);
    partition.out8(0x61, 0);
    program(2, 1, 50);
    expect(output2()).toBe(1);
    at(100n);
    partition.out8(0x61, 1);
    expect(output2()).toBe(0);
    at(150n);
    expect(output2()).toBe(1);
  });

  test("OUT of mode 0 stays high when the gate falls and rises after the terminal count", () => {
    partition.out8(0x61, 1);
    program(2, 0, 100);
    at(70_000n);
    partition.out8(0x61, 0);
    expect(output2()).toBe(1);
    partition.out8(0x61, 1);
    expect(output2()).toBe(1);
  });

  test("a gate that was never opened leaves the count where it was loaded", () => {
    program(2, 0, 1000);
    at(500n);
    expect([readLatched(2), output2()]).toEqual([1000, 0]);
    partition.out8(0x61, 1);
    at(1499n);
    expect(output2()).toBe(0);
    at(1500n);
    expect(output2()).toBe(1);
  });

  test("Linux's way to measure the TSC: mode 0, 50 ms, wait for OUT", () => {
    partition.out8(0x61, (partition.in8(0x61) & ~2) | 1);
    program(2, 0, Number(HERTZ / 20n));
    let loops = 0;
    const from = partition.tsc;
    while (output2() === 0 && loops < 2000) {
      partition.tsc += 1000n;
      loops++;
    }
    expect(Number(partition.tsc - from)).toBeGreaterThanOrEqual(999_980);
    expect(Number(partition.tsc - from)).toBeLessThanOrEqual(1_001_000);
  });

  test("port 0x61: bits 0-3 are kept, refresh toggles", () => {
    partition.out8(0x61, 0xff);
    expect(partition.in8(0x61) & 0x0f).toBe(0x0f);
    const seen = new Set<number>();
    for (let tick = 0n; tick < 72n; tick++) {
      at(tick);
      seen.add(partition.in8(0x61) & 0x10);
    }
    expect([...seen].sort((a, b) => a - b)).toEqual([0, 0x10]);
  });
});

describe("interrupts of channel 0", () => {
  test("one for each period, without drift", () => {
    unmaskTimer();
    program(0, 2, 11932); // 100 Hz
    let interrupts = 0;
    for (let second = 0; second < 10; second++) {
      const end = partition.tsc + partition.tscFrequency;
      while (partition.deadline() <= end) {
        partition.tsc = partition.deadline();
        partition.monitor.timer(0);
        expect(partition.monitor.acknowledge(0)).toBe(0x30);
        interrupts++;
        expect(partition.tsc).toBe(start + tscOf(BigInt(interrupts) * 11932n));
      }
      partition.tsc = end;
    }
    expect(interrupts).toBe(999); // 10 s at 99.998 Hz
  });

  test("lost ticks are one interrupt, and the phase stays", () => {
    unmaskTimer();
    program(0, 3, 1000);
    at(5300n);
    partition.monitor.timer(0);
    expect([partition.monitor.acknowledge(0), partition.pendingVector()]).toEqual([0x30, 0]);
    expect(partition.deadline()).toBe(start + tscOf(6000n));
  });

  test("mode 0 interrupts once, mode 4 once, and programming takes the deadline away", () => {
    unmaskTimer();
    program(0, 0, 1000);
    expect(partition.deadline()).toBe(start + tscOf(1000n));
    partition.advance(tscOf(200_000n));
    expect([partition.monitor.acknowledge(0), partition.deadline()]).toEqual([0x30, NEVER]);
    program(0, 4, 500);
    partition.advance(tscOf(490n));
    expect(partition.pendingVector()).toBe(0);
    partition.advance(tscOf(20n));
    expect([partition.monitor.acknowledge(0), partition.deadline()]).toEqual([0x30, NEVER]);
    program(0, 2, 500);
    partition.out8(0x43, 0x30);
    expect(partition.deadline()).toBe(NEVER);
  });

  test("reaches I/O APIC pin 2", () => {
    partition.write32(0xfec0_0000n, 0x14);
    partition.write32(0xfec0_0010n, 0x55);
    program(0, 2, 1000);
    partition.advance(tscOf(1001n));
    expect(partition.monitor.acknowledge(0)).toBe(0x55);
  });

  test("no overflow after a year at 5 GHz", async () => {
    partition = await startPartition({ tscFrequency: 5_000_000_000n, tsc: start });
    const year = 365n * 86400n;
    program(0, 2, 10000);
    partition.tsc = start + year * 5_000_000_000n;
    expect(BigInt(readLatched(0))).toBe(10000n - ((year * HERTZ) % 10000n));
    partition.monitor.timer(0);
    const next = ((year * HERTZ) / 10000n + 1n) * 10000n;
    expect(partition.deadline()).toBe(start + tscOf(next));
  });
});
