import { beforeAll, describe, expect, test } from "vitest";
import { Clock } from "../machine/clock.ts";
import { compileRemapping, RemappingMachine } from "../machine/remapping-machine.ts";
import { capability, extendedCapability } from "../machine/remapping-unit.ts";

const DEVICE = 0x18;
const NEIGHBOUR = 0x208;
const FECTL = 0x38;
const MASKED = 0x8000_0000n;
const STORM = 10_000;

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileRemapping();
}, 120_000);

interface Start {
  scalable?: boolean;
  faultRecords?: number;
}

/** 00:03.0 of alpha and 02:01.0 of beta are attached to empty tables. */
function start({ scalable = false, faultRecords = 8 }: Start = {}): RemappingMachine {
  const options = { capability: capability({ faultRecords }), extended: extendedCapability({ scalable }) };
  // A line on the console takes half a millisecond.
  const machine = new RemappingMachine(module, [options], new Clock(2_000_000_000n, 10_000n));
  machine.start(scalable);
  [DEVICE, NEIGHBOUR].forEach((sourceId, partition) => {
    machine.kernel.addSource(0, sourceId, 0, partition);
    machine.kernel.attachSource(machine.pointer(), sourceId, partition + 1, machine.kernel.domainRoot(partition), 0);
  });
  machine.kernel.startFaultEvents(machine.pointer(), 0, 0x41);
  return machine;
}

function wait(machine: RemappingMachine, seconds: number): void {
  const end = machine.clock.now + BigInt(seconds * Number(machine.clock.frequency));
  while (machine.clock.now <= end) machine.clock.advance();
}

/** Drains whenever the unit interrupts; returns how often it did. */
function attack(machine: RemappingMachine, count: number, once: (i: number) => void): number {
  const before = machine.unit.faults.events.length;
  let handled = before;
  for (let i = 0; i < count; i++) {
    once(i);
    if (machine.unit.faults.events.length === handled) continue;
    handled = machine.unit.faults.events.length;
    machine.kernel.drainFaults(machine.pointer());
  }
  return handled - before;
}

describe("lines", () => {
  test("the same fault again is counted, not told; in the next second it is told once more, with what was left out", () => {
    const machine = start();
    const once = (): void => void machine.unit.dma(DEVICE, 0x1000n, 4, true);
    attack(machine, 5, once);
    expect(machine.lines).toHaveLength(1);
    wait(machine, 1.5);
    attack(machine, 1, once);
    expect(machine.lines.slice(1)).toEqual(["vtd unit 0: 00:03.0 of alpha: 4 more faults before the next", machine.lines[0]]);
    expect(machine.kernel.sourceFaults(0)).toBe(6);
  });

  test("what sources without an owner did is summed up for the unit", () => {
    const machine = start();
    attack(machine, 12, (i) => void machine.unit.dma(0x7700, BigInt(i) << 12n, 4, true));
    wait(machine, 1.5);
    attack(machine, 1, () => void machine.unit.dma(0x7800, 0x1000n, 4, true));
    expect(machine.lines.slice(8)).toEqual([
      "vtd unit 0: sources of no partition: 4 more faults before the next",
      "vtd unit 0: 78:00.0 of no partition: write at 0x0000000000001000 blocked: reason 0x01, root entry not present",
    ]);
  });

  test("different faults of one source have eight lines a second, and do not take those of another", () => {
    const machine = start();
    attack(machine, 20, (i) => void machine.unit.dma(DEVICE, BigInt(i) << 12n, 4, true));
    attack(machine, 1, () => void machine.unit.dma(NEIGHBOUR, 0x9000n, 4, false));
    expect(machine.lines.filter((line) => line.includes("00:03.0"))).toHaveLength(8);
    expect(machine.lines.filter((line) => line.includes("02:01.0 of beta: read"))).toHaveLength(1);
    expect(machine.kernel.sourceFaults(0)).toBe(20);
  });
});

describe.each([[false, 1], [false, 64], [true, 8]])("storm of one source (scalable: %s, %d records)", (scalable, faultRecords) => {
  test("it is switched off, its faults end, and the neighbour is not touched", () => {
    const machine = start({ scalable, faultRecords });
    const interrupts = attack(machine, STORM, (i) => void machine.unit.dma(DEVICE, BigInt(i) << 12n, 4, true));
    expect(interrupts).toBeLessThanOrEqual(40);
    expect(machine.kernel.sourceIsOff(0)).toBe(1);
    expect(machine.lines.filter((line) => line.includes("switched off"))).toEqual(["vtd unit 0: 00:03.0 of alpha: switched off after 33 faults in a second"]);
    expect(machine.kernel.unitFaults(0)).toBe(33);
    expect(machine.lines.length).toBeLessThan(12);
    expect(machine.unit.dma(DEVICE, 0x1000n, 4, true).blocked).toBe(scalable ? 0x41 : 0x2);
    expect(machine.kernel.sourceIsOff(1)).toBe(0);
    attack(machine, 1, () => void machine.unit.dma(NEIGHBOUR, 0x5000n, 4, true));
    expect(machine.lines.at(-1)).toMatch(/02:01.0 of beta: write at 0x0000000000005000/);
    expect(machine.unit.protocolErrors).toEqual([]);
  });
});

test("32 faults a second are not a storm, whenever they come", () => {
  const machine = start();
  for (let second = 0; second < 4; second++) {
    attack(machine, 32, () => void machine.unit.dma(DEVICE, 0x1000n, 4, true));
    wait(machine, 1.1);
  }
  expect(machine.kernel.sourceIsOff(0)).toBe(0);
  expect(machine.kernel.sourceFaults(0)).toBe(128);
});

describe("faults that no context entry can stop", () => {
  function masked(machine: RemappingMachine): boolean {
    return (machine.unit.read(FECTL, 4) & MASKED) !== 0n;
  }

  test("a source without an owner on a bus that has a context table is switched off", () => {
    const machine = start();
    attack(machine, STORM, (i) => void machine.unit.dma(0x30, BigInt(i) << 12n, 4, true));
    expect(machine.lines.at(-1)).toBe("vtd unit 0: 00:06.0 of no partition: switched off after 33 faults in a second");
    expect(machine.kernel.unitFaults(0)).toBe(33);
    expect(masked(machine)).toBe(false);
  });

  test("a bus without a context table: fault interrupts are masked, and the housekeeping goes on with them", () => {
    const machine = start();
    const storm = (i: number): void => void machine.unit.dma(0x7700, BigInt(i) << 12n, 4, true);
    expect(attack(machine, STORM, storm)).toBeLessThanOrEqual(33);
    expect(masked(machine)).toBe(true);
    expect(machine.lines.filter((line) => line.includes("masked"))).toEqual(["vtd unit 0: too many faults, its fault interrupts are masked"]);
    expect(machine.kernel.unmaskFaultEvents()).toBeGreaterThan(0);
    expect(masked(machine)).toBe(true);
    wait(machine, 1.1);
    machine.kernel.unmaskFaultEvents();
    expect(masked(machine)).toBe(false);
    attack(machine, 1, () => void machine.unit.dma(NEIGHBOUR, 0x5000n, 4, true));
    expect(machine.lines.at(-1)).toMatch(/02:01.0 of beta/);
  });

  test("masked again and again it is told once", () => {
    const machine = start();
    for (let i = 0; i < 5; i++) {
      attack(machine, 100, (n) => void machine.unit.dma(0x7700, BigInt(n) << 12n, 4, true));
      machine.kernel.unmaskFaultEvents();
      wait(machine, 1.1);
      machine.kernel.unmaskFaultEvents();
    }
    expect(masked(machine)).toBe(false);
    expect(machine.lines.filter((line) => line.includes("masked"))).toHaveLength(1);
  });

  test("interrupts of a source that is off already", () => {
    const machine = start();
    attack(machine, STORM, () => void machine.unit.message(DEVICE, 0xfee0_0000, 0x30));
    expect(machine.kernel.sourceIsOff(0)).toBe(1);
    expect(masked(machine)).toBe(true);
  });

  test("source ids that change with each request", () => {
    const machine = start();
    attack(machine, STORM, (i) => void machine.unit.dma(i & 0xff, BigInt(i) << 12n, 4, true));
    expect(masked(machine)).toBe(true);
    expect(machine.kernel.unitFaults(0)).toBeLessThan(64);
    expect(machine.lines.filter((line) => line.includes("switched off"))).toHaveLength(8);
  });

  test("one drain ends even if faults come as fast as they are read", () => {
    const machine = start({ faultRecords: 256 });
    const original = machine.unit.read.bind(machine.unit);
    machine.unit.read = (offset, size) => {
      machine.unit.faults.record({ sourceId: 0x7700, reason: 1, address: BigInt(offset) << 12n });
      return original(offset, size);
    };
    expect(machine.kernel.drainFaults(machine.pointer())).toBeLessThanOrEqual(512);
  });
});
