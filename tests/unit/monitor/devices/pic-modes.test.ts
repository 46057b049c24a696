// Priorities, special modes and polling of the 8259A pair (Intel 8259A data sheet).

import { beforeEach, describe, expect, test } from "vitest";
import { type SimulatedPartition, startPartition } from "../harness.ts";

const ICW4_AUTO_EOI = 0x03;
const ICW4_SPECIAL_FULLY_NESTED = 0x11;
let partition: SimulatedPartition;

const initialise = (icw4 = 1) => {
  for (const [port, value] of [[0x20, 0x11], [0x21, 0x30], [0x21, 4], [0x21, icw4], [0xa0, 0x11], [0xa1, 0x38], [0xa1, 2], [0xa1, icw4], [0x21, 0], [0xa1, 0]] as const) partition.out8(port, value);
};
const acknowledge = () => partition.monitor.acknowledge(0);
const inService = (port: number) => {
  partition.out8(port, 0x0b);
  return partition.in8(port);
};
/** IRQ 4. */
const raiseUart = () => {
  partition.out8(0x3f9, 0);
  partition.out8(0x3fc, 0x08);
  partition.out8(0x3f9, 0x02);
};
/** IRQ 0. */
const raiseTimer = () => {
  partition.out8(0x43, 0x10);
  partition.out8(0x40, 2);
  partition.advance(partition.ticks(10));
};
/** Reading register C takes the clock's line low. */
const releaseClock = () => {
  partition.out8(0x70, 0x0c);
  partition.in8(0x71);
};
/** IRQ 8, by an update-ended interrupt, as an edge. */
const raiseClock = () => {
  releaseClock();
  for (const [index, value] of [[0x0a, 0x20], [0x0b, 0x12]] as const) {
    partition.out8(0x70, index);
    partition.out8(0x71, value);
  }
  partition.advance(partition.tscFrequency);
};

beforeEach(async () => {
  partition = await startPartition();
});

describe("initialization", () => {
  test("nothing is signalled before its last word", () => {
    partition.out8(0x4d0, 0x10);
    raiseUart();
    for (const [port, value] of [[0x20, 0x11], [0x21, 0x30], [0x21, 4]] as const) {
      partition.out8(port, value);
      expect(partition.pendingVector()).toBe(0);
    }
    partition.out8(0x21, 1);
    expect(partition.pendingVector()).toBe(0x34);
  });

  test("without ICW4 the last word is ICW3, and for a single chip ICW2", () => {
    for (const [port, value] of [[0x20, 0x10], [0x21, 0x40], [0x21, 4], [0x21, 0xa5]] as const) partition.out8(port, value);
    expect(partition.in8(0x21)).toBe(0xa5);
    for (const [port, value] of [[0x20, 0x12], [0x21, 0x50], [0x21, 0x5a]] as const) partition.out8(port, value);
    expect(partition.in8(0x21)).toBe(0x5a);
  });

  test("clears mask, in-service bits, special mask mode and rotation; reads IRR", () => {
    initialise();
    raiseTimer();
    acknowledge();
    for (const value of [0xc3, 0x68, 0x0b]) partition.out8(0x20, value);
    initialise();
    expect([partition.in8(0x20), partition.in8(0x21), inService(0x20)]).toEqual([0, 0, 0]);
    raiseUart();
    raiseTimer();
    expect(acknowledge()).toBe(0x30);
  });
});

describe("end of interrupt and rotation", () => {
  beforeEach(() => initialise());

  test("specific, and rotate on specific: the ended level becomes the last", () => {
    raiseTimer();
    acknowledge();
    partition.out8(0x20, 0xe0); // rotate, level 0
    expect(inService(0x20)).toBe(0);
    raiseTimer();
    raiseUart();
    expect(acknowledge()).toBe(0x34);
    partition.out8(0x20, 0x64);
    expect([inService(0x20), acknowledge()]).toEqual([0, 0x30]);
  });

  test("set priority alone: level 3 last makes 4 first", () => {
    partition.out8(0x20, 0xc3);
    raiseTimer();
    raiseUart();
    expect(acknowledge()).toBe(0x34);
    expect(partition.pendingVector()).toBe(0);
  });

  test("a non-specific one ends the highest in service, and none does nothing", () => {
    raiseUart();
    acknowledge();
    raiseTimer();
    acknowledge();
    partition.out8(0x20, 0x20);
    expect(inService(0x20)).toBe(0x10);
    partition.out8(0x20, 0x20);
    partition.out8(0x20, 0x20);
    expect(inService(0x20)).toBe(0);
  });

  test("in special mask mode it leaves masked levels in service", () => {
    raiseUart();
    acknowledge();
    raiseTimer();
    acknowledge();
    partition.out8(0x21, 1);
    partition.out8(0x20, 0x68);
    partition.out8(0x20, 0x20);
    expect(inService(0x20)).toBe(0x01);
  });

  test("special mask mode goes off again", () => {
    raiseTimer();
    acknowledge();
    partition.out8(0x21, 1);
    partition.out8(0x20, 0x68);
    partition.out8(0x20, 0x48);
    raiseUart();
    expect(partition.pendingVector()).toBe(0);
  });
});

test("rotation on automatic end of interrupt, set and cleared", () => {
  initialise(ICW4_AUTO_EOI);
  partition.out8(0x20, 0x80);
  raiseTimer();
  expect(acknowledge()).toBe(0x30); // level 0 is last now
  raiseTimer();
  raiseUart();
  expect(acknowledge()).toBe(0x34);
  partition.out8(0x20, 0x00);
  partition.out8(0x20, 0xc7); // 0 first
  expect(acknowledge()).toBe(0x30);
  raiseTimer();
  raiseUart();
  expect(acknowledge()).toBe(0x30);
});

describe("special fully nested mode", () => {
  test("lets a slave's further request through, but no lower level of the master", () => {
    initialise(ICW4_SPECIAL_FULLY_NESTED);
    raiseClock();
    expect(acknowledge()).toBe(0x38);
    partition.out8(0xa0, 0x20);
    raiseUart();
    expect(partition.pendingVector()).toBe(0);
    raiseClock();
    expect(partition.pendingVector()).toBe(0x38);
  });

  test("without it the slave waits for the master's end of interrupt", () => {
    initialise();
    raiseClock();
    acknowledge();
    partition.out8(0xa0, 0x20);
    raiseClock();
    expect(partition.pendingVector()).toBe(0);
    partition.out8(0x20, 0x62);
    expect(partition.pendingVector()).toBe(0x38);
  });
});

describe("poll", () => {
  beforeEach(() => initialise());

  test("either port answers, once", () => {
    raiseUart();
    partition.out8(0x20, 0x0c);
    expect([partition.in8(0x21), partition.in8(0x21), inService(0x20)]).toEqual([0x84, 0, 0x10]);
  });

  test("master, then slave", () => {
    raiseClock();
    partition.out8(0x20, 0x0c);
    expect(partition.in8(0x20)).toBe(0x82);
    partition.out8(0xa0, 0x0c);
    expect([partition.in8(0xa0), inService(0x20), inService(0xa0)]).toEqual([0x80, 4, 1]);
  });

  test("with nothing requested it says so and changes nothing", () => {
    partition.out8(0x20, 0x0c);
    expect([partition.in8(0x20), inService(0x20)]).toEqual([0, 0]);
  });
});

describe("triggering", () => {
  test("LTIM is the ELCR's: with it lines are edges all the same", () => {
    for (const [port, value] of [[0x20, 0x19], [0x21, 0x30], [0x21, 4], [0x21, 1]] as const) partition.out8(port, value);
    raiseUart();
    expect(acknowledge()).toBe(0x34);
    partition.out8(0x20, 0x20);
    expect(partition.pendingVector()).toBe(0);
  });

  test("a high line that the ELCR makes a level requests at once, and no longer when it is low", () => {
    initialise();
    raiseUart();
    acknowledge();
    partition.out8(0x20, 0x20);
    expect(partition.pendingVector()).toBe(0);
    partition.out8(0x4d0, 0x10);
    expect(partition.pendingVector()).toBe(0x34);
    partition.out8(0x4d0, 0x00);
    expect(partition.pendingVector()).toBe(0x34); // latched, as an edge
    partition.out8(0x3f9, 0);
    partition.out8(0x4d0, 0x10);
    expect([partition.pendingVector(), acknowledge()]).toEqual([0, 0]);
  });
});

test.each([["an edge", 0x00], ["a level", 0x10]])("%s that has gone when it is acknowledged gives no vector", (_what, levels) => {
  initialise();
  partition.out8(0x4d0, levels);
  raiseUart();
  expect(partition.pendingVector()).toBe(0x34);
  partition.out8(0x3f9, 0);
  expect([partition.pendingVector(), acknowledge(), inService(0x20)]).toEqual([0, 0, 0]);
});
