// Timer of the local APIC: one-shot, periodic and TSC deadline.

import { beforeEach, describe, expect, test } from "vitest";
import { NEVER, type SimulatedPartition } from "../harness.ts";
import { Apic, ApicGuest, MASKED } from "./local-apic-guest.ts";

let guest: ApicGuest;
let partition: SimulatedPartition;
const read = (register: number, vcpu = 0): number => guest.read(register, vcpu);
const write = (register: number, value: number, vcpu = 0): void => guest.write(register, value, vcpu);

beforeEach(async () => {
  guest = await ApicGuest.start();
  partition = guest.partition;
});

describe("timer", () => {
  const DIVIDE_BY_16 = 3;
  const PERIODIC = 1 << 17;
  const TSC_DEADLINE = 2 << 17;
  const DEADLINE_MSR = 0x6e0;

  test("one-shot counts down by the divide value and fires once", () => {
    write(Apic.Divide, DIVIDE_BY_16);
    write(Apic.LvtTimer, 0xec);
    write(Apic.InitialCount, 1000);
    const start = partition.tsc;
    expect([read(Apic.CurrentCount), partition.deadline()]).toEqual([1000, start + 16_000n]);
    partition.tsc = start + 4_000n;
    expect(read(Apic.CurrentCount)).toBe(750);
    partition.monitor.timer(0);
    expect(partition.pendingVector()).toBe(0);
    partition.tsc = start + 16_000n;
    expect(read(Apic.CurrentCount)).toBe(0);
    partition.monitor.timer(0);
    expect([partition.monitor.acknowledge(0), partition.deadline()]).toEqual([0xec, NEVER]);
    write(Apic.Eoi, 0);
    partition.advance(1_000_000n);
    expect(partition.pendingVector()).toBe(0);
  });

  test.each([[0, 2], [1, 4], [2, 8], [3, 16], [8, 32], [9, 64], [10, 128], [11, 1]])("divide configuration %i divides by %i", (encoding, divide) => {
    write(Apic.Divide, encoding);
    write(Apic.LvtTimer, 0xec);
    write(Apic.InitialCount, 1000);
    expect(partition.deadline()).toBe(partition.tsc + BigInt(1000 * divide));
    partition.tsc += BigInt(400 * divide);
    expect(read(Apic.CurrentCount)).toBe(600);
  });

  test("periodic keeps its phase and skips what was lost", () => {
    write(Apic.Divide, 11);
    write(Apic.LvtTimer, PERIODIC | 0xec);
    write(Apic.InitialCount, 10_000);
    const start = partition.tsc;
    partition.tsc = start + 13_000n;
    partition.monitor.timer(0);
    expect([partition.monitor.acknowledge(0), partition.deadline(), read(Apic.CurrentCount)]).toEqual([0xec, start + 20_000n, 7_000]);
    write(Apic.Eoi, 0);
    partition.tsc = start + 70_000n;
    partition.monitor.timer(0);
    expect([partition.pendingVector(), partition.deadline()]).toEqual([0xec, start + 80_000n]);
  });

  test("a period too short to get on in fires, but leaves 1024 ticks between", () => {
    write(Apic.Divide, 11);
    write(Apic.LvtTimer, PERIODIC | 0xec);
    write(Apic.InitialCount, 1);
    partition.tsc = partition.deadline();
    partition.monitor.timer(0);
    expect([partition.monitor.acknowledge(0), partition.deadline()]).toEqual([0xec, partition.tsc + 1024n]);
    partition.advance(1024n);
    write(Apic.Eoi, 0);
    expect(partition.pendingVector()).toBe(0xec);
  });

  test("a masked timer counts without deadline and without interrupt", () => {
    write(Apic.Divide, 11);
    write(Apic.LvtTimer, MASKED | PERIODIC | 0xec);
    write(Apic.InitialCount, 1000);
    partition.tsc += 2_400n;
    expect([partition.deadline(), read(Apic.CurrentCount)]).toEqual([NEVER, 600]);
    write(Apic.LvtTimer, PERIODIC | 0xec);
    expect([partition.pendingVector(), partition.deadline()]).toEqual([0, partition.tsc + 600n]);
  });

  test("a one-shot that expired masked does not fire when it is unmasked", () => {
    write(Apic.LvtTimer, MASKED | 0xec);
    write(Apic.InitialCount, 10);
    partition.tsc += 1_000n;
    write(Apic.LvtTimer, 0xec);
    partition.monitor.timer(0);
    expect([partition.pendingVector(), partition.deadline()]).toEqual([0, NEVER]);
  });

  test("count 0 stops, a changed divide goes on with what is left", () => {
    write(Apic.Divide, 11);
    write(Apic.LvtTimer, 0xec);
    write(Apic.InitialCount, 1000);
    partition.tsc += 500n;
    write(Apic.Divide, 0);
    expect([read(Apic.CurrentCount), partition.deadline()]).toEqual([500, partition.tsc + 1_000n]);
    write(Apic.InitialCount, 0);
    expect([read(Apic.CurrentCount), partition.deadline()]).toEqual([0, NEVER]);
  });

  test("TSC deadline", () => {
    partition.writeMsr(DEADLINE_MSR, partition.tsc + 5n);
    expect([partition.readMsr(DEADLINE_MSR), partition.deadline()]).toEqual([0n, NEVER]); // another mode
    write(Apic.LvtTimer, TSC_DEADLINE | 0xec);
    const deadline = partition.tsc + 777n;
    partition.writeMsr(DEADLINE_MSR, deadline);
    expect([partition.readMsr(DEADLINE_MSR), partition.deadline(), read(Apic.CurrentCount)]).toEqual([deadline, deadline, 0]);
    partition.advance(776n);
    expect(partition.pendingVector()).toBe(0);
    partition.advance(1n);
    expect([partition.pendingVector(), partition.readMsr(DEADLINE_MSR), partition.deadline()]).toEqual([0xec, 0n, NEVER]);
  });

  test("a TSC deadline that has passed fires at once; 0 disarms; leaving the mode disarms", () => {
    write(Apic.LvtTimer, TSC_DEADLINE | 0xec);
    partition.writeMsr(DEADLINE_MSR, partition.tsc + 100n);
    partition.writeMsr(DEADLINE_MSR, 0n);
    expect(partition.deadline()).toBe(NEVER);
    partition.writeMsr(DEADLINE_MSR, partition.tsc + 100n);
    write(Apic.LvtTimer, 0xec);
    expect(partition.deadline()).toBe(NEVER);
    write(Apic.LvtTimer, TSC_DEADLINE | 0xec);
    partition.writeMsr(DEADLINE_MSR, partition.tsc);
    expect(partition.pendingVector()).toBe(0xec);
  });

  test("each vCPU has its own deadline", () => {
    write(Apic.LvtTimer, TSC_DEADLINE | 0xe0, 2);
    partition.writeMsr(DEADLINE_MSR, partition.tsc + 50n, 2);
    expect([0, 1, 2, 3].map((vcpu) => partition.deadline(vcpu))).toEqual([NEVER, NEVER, partition.tsc + 50n, NEVER]);
    partition.advance(60n);
    expect([0, 1, 2, 3].map((vcpu) => partition.pendingVector(vcpu))).toEqual([0, 0, 0xe0, 0]);
  });
});
