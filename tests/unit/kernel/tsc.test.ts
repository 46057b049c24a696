// The guest's time-stamp counter: offset, IA32_TSC_ADJUST, and deadlines that follow it.

import { beforeEach, describe, expect, test } from "vitest";
import { AccessStatus } from "../../../monitor/interface.ts";
import { KernelMachine, startedKernel } from "./kernel-machine.ts";
import { expectDone, readMsr, writeMsr } from "./vcpu-driver.ts";

const TSC = 0x10n;
const TSC_ADJUST = 0x3bn;
const TSC_DEADLINE = 0x6e0n;
const USE_TSC_OFFSETTING = 1n << 3n;
const wrap = (value: bigint): bigint => BigInt.asUintN(64, value);

let machine: KernelMachine;
/** IA32_TSC_DEADLINE as the monitor has it, in the time of the machine. */
let deadline: bigint;
beforeEach(async () => {
  machine = await startedKernel();
  deadline = 0n;
  machine.answer("msrRead", () => deadline);
  machine.answer("msrWrite", (_vcpu, _index, value) => {
    deadline = wrap(BigInt(value!));
    return undefined;
  });
}, 240_000);

const offset = (): bigint => machine.vmcs("TSC_OFFSET");

test("the processor adds the offset, which is 0 at first", () => {
  expect(machine.vmcs("PRIMARY_CONTROLS") & USE_TSC_OFFSETTING).toBe(USE_TSC_OFFSETTING);
  expect(offset()).toBe(0n);
  expect(readMsr(machine, TSC_ADJUST)).toBe(0n);
});

describe("IA32_TSC_ADJUST", () => {
  test.each([1n << 40n, wrap(-5000n)])("moves the counter by as much as it changes itself", (value) => {
    writeMsr(machine, TSC_ADJUST, value);
    expectDone(machine);
    expect(offset()).toBe(value);
    expect(readMsr(machine, TSC_ADJUST)).toBe(value);
    writeMsr(machine, TSC_ADJUST, 7n);
    expect(offset()).toBe(7n);
  });

  test("follows a write to the counter", () => {
    writeMsr(machine, TSC_ADJUST, 1000n);
    writeMsr(machine, TSC, 50n);
    expectDone(machine);
    expect(wrap(machine.clock.now + offset())).toBe(50n);
    expect(readMsr(machine, TSC_ADJUST)).toBe(offset());
  });
});

test("the machine's own counter is never written", () => {
  const before = machine.processor.msrWrites.length;
  writeMsr(machine, TSC, 0n);
  writeMsr(machine, TSC_ADJUST, 0n);
  expect(machine.processor.msrWrites.length).toBe(before);
  expect(offset()).toBe(0n);
});

test("a partition that restarts has the machine's counter again", async () => {
  machine = await startedKernel({ partitions: [{ devices: ["uart"], health: { fault: "restart" } }] });
  writeMsr(machine, TSC_ADJUST, 1000n);
  expect(offset()).toBe(1000n);
  machine.exit("TRIPLE_FAULT");
  expect(offset()).toBe(0n);
  expect(readMsr(machine, TSC_ADJUST)).toBe(0n);
});

describe("IA32_TSC_DEADLINE", () => {
  beforeEach(() => writeMsr(machine, TSC_ADJUST, 1_000_000n));

  test("is the guest's time outside and the machine's in the monitor", () => {
    const wanted = machine.clock.now + 3_000_000n;
    writeMsr(machine, TSC_DEADLINE, wanted);
    expectDone(machine);
    expect(deadline).toBe(wanted - 1_000_000n);
    expect(readMsr(machine, TSC_DEADLINE)).toBe(wanted);
  });

  test("0 disarms, and is read as 0", () => {
    deadline = 5n;
    writeMsr(machine, TSC_DEADLINE, 0n);
    expect(deadline).toBe(0n);
    expect(readMsr(machine, TSC_DEADLINE)).toBe(0n);
  });

  test("that has passed in the guest's time has passed, though it would not in the machine's", () => {
    writeMsr(machine, TSC_DEADLINE, 999_999n);
    expect(deadline).toBe(1n);
  });

  test("beyond all time does not come round", () => {
    writeMsr(machine, TSC, 10n);
    writeMsr(machine, TSC_DEADLINE, (1n << 64n) - 1n);
    expect(deadline).toBe((1n << 64n) - 1n);
  });

  test("that is armed stays at its value when the counter moves", () => {
    const wanted = machine.clock.now + 9_000_000n;
    writeMsr(machine, TSC_DEADLINE, wanted);
    writeMsr(machine, TSC_ADJUST, 4_000_000n);
    expect(deadline).toBe(wanted - 4_000_000n);
    expect(readMsr(machine, TSC_DEADLINE)).toBe(wanted);
  });

  test("that the monitor refuses is not touched", () => {
    machine.answer("msrRead", () => 77n, AccessStatus.GeneralProtection);
    const writes = machine.monitorCalls("msrWrite").length;
    writeMsr(machine, TSC_ADJUST, 0n);
    expect(machine.monitorCalls("msrWrite").length).toBe(writes);
  });
});
