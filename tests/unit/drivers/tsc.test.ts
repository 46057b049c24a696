import { beforeAll, describe, expect, test } from "vitest";
import * as acpi from "../machine/acpi-tables.ts";
import { Clock } from "../machine/clock.ts";
import { Hpet, Pit, PmTimer } from "../machine/devices.ts";
import { compileFloor, FloorMachine } from "../machine/floor.ts";
import { enumReader } from "../machine/source-enums.ts";

const clockKind = enumReader("planner/drivers/reference-clock.ts", "ReferenceClock");
const PM_PORT = 0x608;
const HPET = 0xfed0_0000;

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileFloor();
}, 120_000);

interface Clocks {
  pmTimer?: PmTimer;
  hpet?: Hpet;
  pit?: Pit;
}

function machineWith(clock: Clock, clocks: Clocks): FloorMachine {
  const machine = new FloorMachine(module, { clock });
  if (clocks.pmTimer !== undefined) machine.ports.add(PM_PORT, 4, clocks.pmTimer);
  if (clocks.pit !== undefined) machine.ports.add(0x40, 4, clocks.pit);
  if (clocks.hpet !== undefined) machine.memory.addDevice(HPET, 0x400, clocks.hpet);
  const tables = [acpi.fadt({ pmTimer: clocks.pmTimer === undefined ? 0 : PM_PORT, timer32: clocks.pmTimer?.bits === 32 })];
  if (clocks.hpet !== undefined) tables.push(acpi.hpet(HPET));
  machine.floor.findTables(BigInt(acpi.placeTables(machine.memory, 0x7fe_0000, tables)));
  machine.floor.parseFadt();
  return machine;
}

/** Relative error in parts per million. */
function error(measured: bigint, frequency: bigint): number {
  return Math.abs(Number(measured - frequency) / Number(frequency)) * 1e6;
}

describe("against each clock", () => {
  test.each([20_000_000n, 999_999_937n, 2_000_000_000n, 5_500_000_000n])("PM timer, TSC of %d Hz", (frequency) => {
    const clock = new Clock(frequency, frequency / 1_000_000n);
    const { floor } = machineWith(clock, { pmTimer: new PmTimer(clock, 24) });
    expect(error(floor.calibrateTsc(), frequency)).toBeLessThan(100);
    expect(floor.calibrationClock()).toBe(clockKind("PmTimer"));
  });

  test.each([24, 32] as const)("the PM timer of %d bits wraps in the middle of a run", (bits) => {
    const frequency = 2_000_000_000n;
    for (const before of [1n, 10_000n, 30_000n, 100_000n]) {
      const clock = new Clock(frequency, 2000n, 0n);
      const pmTimer = new PmTimer(clock, bits, (1n << BigInt(bits)) - before);
      expect(error(machineWith(clock, { pmTimer }).floor.calibrateTsc(), frequency)).toBeLessThan(100);
    }
  });

  test("HPET, also over its wrap, when the PM timer stands still", () => {
    const frequency = 3_000_000_000n;
    for (const offset of [0n, (1n << 32n) - 500_000n]) {
      const clock = new Clock(frequency, 3000n, 0n);
      const pmTimer = new PmTimer(clock, 24);
      pmTimer.stopped = true;
      const { floor } = machineWith(clock, { pmTimer, hpet: new Hpet(clock, 69_841_279n, offset) });
      expect(error(floor.calibrateTsc(), frequency)).toBeLessThan(100);
      expect(floor.calibrationClock()).toBe(clockKind("Hpet"));
    }
  });

  test("PIT when there is nothing else", () => {
    const frequency = 1_500_000_000n;
    const clock = new Clock(frequency, 1500n);
    const { floor } = machineWith(clock, { pit: new Pit(clock) });
    expect(error(floor.calibrateTsc(), frequency)).toBeLessThan(500);
    expect(floor.calibrationClock()).toBe(clockKind("Pit"));
  });
});

describe("limits", () => {
  test("an interruption in some runs does not spoil the result", () => {
    const frequency = 2_000_000_000n;
    const clock = new Clock(frequency, 2000n);
    const { floor } = machineWith(clock, { pmTimer: new PmTimer(clock, 24) });
    // Every 37th look lasts 0.3 ms longer, as if SMM had the processor.
    clock.disturbance = (step) => (step % 37 === 0 ? 600_000n : 0n);
    expect(error(floor.calibrateTsc(), frequency)).toBeLessThan(200);
  });

  test("clocks that all stand still end with 0, in bounded time", () => {
    const clock = new Clock(2_000_000_000n, 2_000_000n);
    const pmTimer = new PmTimer(clock, 32);
    const pit = new Pit(clock);
    pmTimer.stopped = true;
    pit.stopped = true;
    const before = clock.now;
    expect(machineWith(clock, { pmTimer, pit }).floor.calibrateTsc()).toBe(0n);
    expect(Number(clock.now - before) / 2e9).toBeLessThan(6);
  });

  test("a TSC that stands still ends too", () => {
    const clock = new Clock(2_000_000_000n, 0n);
    expect(machineWith(clock, { pmTimer: new PmTimer(clock, 24) }).floor.calibrateTsc()).toBe(0n);
  }, 60_000);

  test("a delay lasts at least as long as asked for", () => {
    const clock = new Clock(2_000_000_000n, 100n);
    const { floor } = machineWith(clock, {});
    floor.setTscFrequency(2_000_000_000n);
    const before = clock.now;
    floor.delayMicroseconds(250n);
    const microseconds = Number(clock.now - before) / 2000;
    expect(microseconds).toBeGreaterThanOrEqual(250);
    expect(microseconds).toBeLessThan(252);
  });
});
