// Update-ended, alarm and periodic interrupts on IRQ 8, SET and the divider chain (MC146818A data sheet).

import { beforeEach, describe, expect, test } from "vitest";
import { NEVER, type SimulatedPartition, startPartition } from "../harness.ts";

const SECOND = 1_000_000_000n;
const A = 0x0a;
const B = 0x0b;
const C = 0x0c;
const HOURS_24 = 0x02;
const UIE = 0x10;
const AIE = 0x20;
const PIE = 0x40;
const SET = 0x80;
// Register C.
const UF = 0x10;
const AF = 0x20;
const PF = 0x40;
const IRQF = 0x80;

let partition: SimulatedPartition;
const read = (index: number) => {
  partition.out8(0x70, index);
  return partition.in8(0x71);
};
const write = (index: number, value: number) => {
  partition.out8(0x70, index);
  partition.out8(0x71, value);
};
const setAlarm = (hours: number, minutes: number, seconds: number) => {
  for (const [index, value] of [[5, hours], [3, minutes], [1, seconds]] as const) write(index, value);
};
/** Whether IRQ 8 has risen, which the slave PIC keeps: nothing acknowledges it here. */
const isRaised = () => {
  partition.out8(0xa0, 0x0a);
  return (partition.in8(0xa0) & 1) === 1;
};
/** Seconds, from now, to the next deadline. */
const secondsToDeadline = () => Number(partition.deadline() - partition.tsc) / Number(SECOND);

beforeEach(async () => {
  partition = await startPartition({ wallClock: BigInt(Date.parse("2026-11-22T15:30:58Z") / 1000) });
  write(A, 0x20); // no periods
});

describe("update-ended", () => {
  test("each second while enabled, register C clears", () => {
    expect(partition.deadline()).toBe(NEVER);
    write(B, HOURS_24 | UIE);
    expect(partition.deadline()).toBe(partition.tsc + SECOND);
    partition.advance(SECOND);
    expect([isRaised(), read(C), read(C)]).toEqual([true, IRQF | UF, 0]);
    partition.advance(SECOND);
    expect(read(C)).toBe(IRQF | UF);
    write(B, HOURS_24);
    expect(partition.deadline()).toBe(NEVER);
  });

  test("the flag comes without its enable, the request does not; enabling it later requests at once", () => {
    partition.tsc += SECOND;
    expect([read(C), isRaised()]).toEqual([UF, false]);
    partition.tsc += SECOND;
    write(B, HOURS_24 | UIE);
    expect([isRaised(), partition.deadline()]).toEqual([true, NEVER]);
  });

  test("until register C is read there is one interrupt and no deadline", () => {
    write(B, HOURS_24 | UIE);
    partition.advance(SECOND);
    expect(partition.deadline()).toBe(NEVER);
    partition.advance(10n * SECOND);
    expect([read(C), secondsToDeadline()]).toEqual([IRQF | UF, 1]);
  });

  test("SET stops it and takes its enable away", () => {
    write(B, HOURS_24 | UIE);
    write(B, HOURS_24 | UIE | SET);
    expect([read(B), partition.deadline()]).toEqual([HOURS_24 | SET, NEVER]);
    partition.advance(5n * SECOND);
    expect(read(C)).toBe(0);
  });
});

describe("alarm", () => {
  test("at its time", () => {
    setAlarm(0x15, 0x31, 0x01);
    write(B, HOURS_24 | AIE);
    expect(secondsToDeadline()).toBe(3);
    partition.advance(2n * SECOND); // 15:31:00
    expect([isRaised(), read(C)]).toEqual([false, UF]);
    partition.advance(SECOND);
    expect([isRaised(), read(C)]).toEqual([true, IRQF | AF | UF]);
    expect(secondsToDeadline()).toBe(86400);
  });

  test.each([
    ["every second", 0xff, 0xc0, 0xff, 1], ["each minute at 05", 0xff, 0xff, 0x05, 7], ["each hour", 0xff, 0x31, 0x05, 7], ["an hour that begins later", 0x16, 0xff, 0xff, 1742],
    ["tomorrow", 0x15, 0x30, 0x57, 86399], ["now, which is a day away", 0x15, 0x30, 0x58, 86400], ["the last second of the day", 0x23, 0x59, 0x59, 30541],
  ])("%s", (_what, hours, minutes, seconds, expected) => {
    setAlarm(hours, minutes, seconds);
    write(B, HOURS_24 | AIE);
    expect(secondsToDeadline()).toBe(expected);
    partition.advance(BigInt(expected) * SECOND);
    expect(read(C) & (AF | IRQF)).toBe(AF | IRQF);
  });

  test.each([["minutes no time has", 0x15, 0x77, 0x00], ["BCD that is none", 0x15, 0x1a, 0x00], ["hour 24", 0x24, 0xff, 0xff], ["second 60", 0xff, 0xff, 0x60]])("%s: never", (_what, hours, minutes, seconds) => {
    setAlarm(hours, minutes, seconds);
    write(B, HOURS_24 | AIE);
    expect(partition.deadline()).toBe(NEVER);
    partition.advance(2n * 86400n * SECOND);
    expect(read(C)).toBe(UF);
  });

  test("binary and 12-hour bytes", () => {
    write(B, AIE); // BCD, 12 h
    setAlarm(0x83, 0x31, 0x00); // 3 p.m.
    expect(secondsToDeadline()).toBe(2);
    write(B, HOURS_24 | AIE | 0x04); // binary, 24 h
    setAlarm(15, 31, 0);
    expect(secondsToDeadline()).toBe(2);
    setAlarm(0x83, 31, 0);
    expect(partition.deadline()).toBe(NEVER);
  });

  test("a flag that was passed while nobody looked is there all the same", () => {
    setAlarm(0x15, 0x31, 0x00);
    partition.tsc += 1000n * SECOND;
    expect(read(C)).toBe(AF | UF);
    partition.tsc += 1000n * SECOND;
    expect(read(C)).toBe(UF);
  });

  test("setting the clock moves it", () => {
    setAlarm(0x18, 0x00, 0x00);
    write(B, HOURS_24 | AIE);
    write(4, 0x17);
    expect(secondsToDeadline()).toBe(29 * 60 + 2);
  });
});

describe("periodic", () => {
  test.each([[1, 256], [2, 128], [3, 8192], [4, 4096], [6, 1024], [10, 64], [15, 2]])("rate %i is %i Hz", (rate, hertz) => {
    write(A, 0x20 | rate);
    write(B, HOURS_24 | PIE);
    let interrupts = 0;
    const end = partition.tsc + SECOND;
    while (partition.deadline() <= end) {
      partition.tsc = partition.deadline();
      partition.monitor.timer(0);
      expect([isRaised(), read(C) & (IRQF | PF)]).toEqual([true, IRQF | PF]);
      interrupts++;
    }
    expect(interrupts).toBe(hertz);
  });

  test("rate 0 is off", () => {
    write(B, HOURS_24 | PIE);
    partition.advance(SECOND);
    expect([partition.deadline(), read(C)]).toEqual([NEVER, UF]);
  });

  test("the flag comes without its enable, and once a period", () => {
    write(A, 0x26);
    partition.tsc += partition.ticks(1000);
    expect([read(C), read(C), isRaised()]).toEqual([PF, 0, false]);
  });

  test("goes on while SET is on, and stops with the divider chain", () => {
    write(A, 0x26);
    write(B, HOURS_24 | PIE | SET);
    partition.advance(partition.ticks(1000));
    expect(read(C)).toBe(IRQF | PF);
    write(A, 0x76);
    expect(partition.deadline()).toBe(NEVER);
    partition.advance(SECOND);
    expect(read(C)).toBe(0);
  });

  test("reaches I/O APIC pin 8, one edge for each read of register C", () => {
    partition.write32(0xfee0_00f0n, 0x1ff);
    partition.write32(0xfec0_0000n, 0x20);
    partition.write32(0xfec0_0010n, 0x48);
    write(A, 0x26);
    write(B, HOURS_24 | PIE);
    partition.advance(partition.ticks(5000));
    expect(partition.monitor.acknowledge(0)).toBe(0x48);
    partition.write32(0xfee0_00b0n, 0);
    partition.advance(partition.ticks(5000));
    expect(partition.pendingVector()).toBe(0);
    read(C);
    partition.advance(partition.ticks(1000));
    expect(partition.pendingVector()).toBe(0x48);
  });
});

describe("divider chain and phase", () => {
  test("a reset holds the time; half a second after its end comes the first update", () => {
    write(A, 0x70);
    partition.advance(10n * SECOND);
    expect([read(0), read(C)]).toEqual([0x58, 0]);
    write(0, 0x10);
    write(A, 0x20);
    expect(read(0)).toBe(0x10);
    partition.advance(partition.ticks(499_000));
    expect(read(0)).toBe(0x10);
    partition.advance(partition.ticks(2_000));
    expect([read(0), read(C)]).toEqual([0x11, UF]);
  });

  test("setting the time does not shift the seconds", () => {
    partition.advance(partition.ticks(700_000));
    write(0, 0x10);
    partition.advance(partition.ticks(299_000));
    expect(read(0)).toBe(0x10);
    partition.advance(partition.ticks(1_000));
    expect(read(0)).toBe(0x11);
    partition.advance(partition.ticks(600_000));
    write(B, HOURS_24 | SET);
    write(0, 0x20);
    partition.advance(partition.ticks(100_000));
    write(B, HOURS_24);
    partition.advance(partition.ticks(299_000));
    expect(read(0)).toBe(0x20);
    partition.advance(partition.ticks(1_000));
    expect(read(0)).toBe(0x21);
  });
});
