import { beforeEach, describe, expect, test } from "vitest";
import { type SimulatedPartition, startPartition } from "../harness.ts";

let partition: SimulatedPartition;
const read = (index: number) => {
  partition.out8(0x70, index);
  return partition.in8(0x71);
};
const write = (index: number, value: number) => {
  partition.out8(0x70, index);
  partition.out8(0x71, value);
};
const bcd = (value: number) => (value >> 4) * 10 + (value & 15);
/** The clock as Linux reads it: century, year, month, day, hours, minutes, seconds. */
const time = () => [0x32, 9, 8, 7, 4, 2, 0].map((index) => bcd(read(index)));
const fields = (date: Date) => [
  Math.floor(date.getUTCFullYear() / 100), date.getUTCFullYear() % 100, date.getUTCMonth() + 1, date.getUTCDate(), date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds(),
];
const seconds = (text: string) => BigInt(Date.parse(text) / 1000);
const startAt = async (text: string) => {
  partition = await startPartition({ wallClock: seconds(text) });
};

beforeEach(() => startAt("2026-11-22T15:30:58Z"));

describe("time", () => {
  test.each(["1970-01-01T00:00:00Z", "2000-02-29T23:59:59Z", "2024-02-29T12:00:00Z", "2026-12-31T23:59:59Z", "2100-02-28T23:59:59Z", "2399-07-04T01:02:03Z"])("%s and a second later", async (text) => {
    await startAt(text);
    const date = new Date(text);
    expect(time()).toEqual(fields(date));
    expect(read(6)).toBe(date.getUTCDay() + 1);
    partition.tsc += partition.tscFrequency;
    expect(time()).toEqual(fields(new Date(date.getTime() + 1000)));
  });

  test("binary and 12-hour formats", () => {
    write(0x0b, 0x04);
    expect([read(4), read(2), read(0)]).toEqual([0x83, 30, 58]);
    write(0x0b, 0x00);
    expect(read(4)).toBe(0x83);
    write(0x0b, 0x06);
    expect(read(4)).toBe(15);
  });

  test("midnight and noon are 12 in the 12-hour format", async () => {
    await startAt("2026-01-01T00:00:00Z");
    write(0x0b, 0x00);
    expect(read(4)).toBe(0x12);
    partition.tsc += partition.tscFrequency * 43200n;
    expect(read(4)).toBe(0x92);
  });

  test("SET holds the registers still, and the clock goes on from what was written", () => {
    write(0x0b, 0x82);
    partition.tsc += partition.tscFrequency * 10n;
    expect(time()).toEqual([20, 26, 11, 22, 15, 30, 58]);
    for (const [index, value] of [[0x32, 0x20], [9, 0x30], [8, 0x01], [7, 0x02], [4, 0x03], [2, 0x04], [0, 0x05]] as const) write(index, value);
    write(0x0b, 0x02);
    partition.tsc += partition.tscFrequency * 2n;
    expect(time()).toEqual([20, 30, 1, 2, 3, 4, 7]);
  });

  test("UIP is set in the last 244 microseconds of a second only", () => {
    expect(read(0x0a)).toBe(0x26);
    partition.tsc += partition.ticks(999_700);
    expect(read(0x0a) & 0x80).toBe(0);
    partition.tsc += partition.ticks(100);
    expect(read(0x0a) & 0x80).toBe(0x80);
    partition.tsc += partition.ticks(200);
    expect(read(0x0a) & 0x80).toBe(0);
  });

  test("register D says that time and memory are valid; memory keeps its bytes", () => {
    write(0x0d, 0);
    write(0x40, 0xa5);
    expect([read(0x0d), read(0x40), read(0xc0)]).toEqual([0x80, 0xa5, 0xa5]); // bit 7 of the index masks the NMI
  });
});
