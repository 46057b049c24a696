import { expect, test } from "vitest";
import { AccessStatus, Device } from "../../../../monitor/interface.ts";
import { ALL_DEVICES, startPartition } from "../harness.ts";

const INDEX = 0x3d4;
const DATA = 0x3d5;
const CURSOR_HIGH = 14;
const CURSOR_LOW = 15;

test("keeps the cursor, by two registers", async () => {
  const screen = await startPartition({ devices: ALL_DEVICES | Device.TextScreen });
  screen.out8(INDEX, CURSOR_HIGH);
  screen.out8(DATA, 0x07);
  screen.out16(INDEX, 0xcf00 | CURSOR_LOW); // both ports at once
  expect([screen.in8(INDEX), screen.in8(DATA)]).toEqual([CURSOR_LOW, 0xcf]);
  screen.out8(INDEX, CURSOR_HIGH);
  expect(screen.in8(DATA)).toBe(0x07);
  screen.monitor.start();
  expect([screen.in8(INDEX), screen.in8(DATA)]).toEqual([0, 0]);
});

test("an index beyond the registers stays inside them", async () => {
  const screen = await startPartition({ devices: ALL_DEVICES | Device.TextScreen });
  screen.out8(INDEX, 0xff);
  screen.out8(DATA, 0x5a);
  expect([screen.in8(INDEX), screen.in8(DATA)]).toEqual([0x1f, 0x5a]);
});

test("is open bus where it is not granted", async () => {
  const screen = await startPartition();
  expect(screen.in8(DATA)).toBe(0xff);
  expect(screen.status).toBe(AccessStatus.OpenBus);
});
