// Interrupts of simulated devices through the kernel's tables, on a simulated unit.

import { beforeAll, describe, expect, test } from "vitest";
import { enumReader } from "../machine/source-enums.ts";
import { capability, extendedCapability, GLOBAL, type RemappingOptions } from "../machine/remapping-unit.ts";
import { compileInterrupts, entryAt, InterruptMachine, registersOf } from "./interrupt-machine.ts";

const entryStatus = enumReader("planner/vtd/interrupt-table.ts", "EntryStatus");

/** Reasons of VT-d 4.1 table 26. */
const REASON = { index: 0x21, absent: 0x22, compatibility: 0x25, source: 0x26 } as const;
const COMPATIBILITY_ADDRESS = 0xfee0_0000;
const IRTA = 0xb8;
const SOURCE = 0x00fb;
const OTHER = 0x0200;

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileInterrupts();
}, 120_000);

interface Remapping {
  machine: InterruptMachine;
  kernel: InterruptMachine["kernel"];
  unit: number;
  table: number;
}

/** A unit with its queue on and an empty table, before remapping starts. */
function prepared(options: RemappingOptions = {}, x2Apic = false): Remapping {
  const machine = new InterruptMachine(module, [options], { x2Apic });
  const { kernel } = machine;
  const unit = kernel.addUnit(BigInt(registersOf(0)), 0);
  expect(kernel.startInvalidation(unit)).toBe(0);
  expect(kernel.createInterruptTable(unit)).toBe(1);
  return { machine, kernel, unit, table: Number(kernel.tableOf(unit)) };
}

function remapping(options: RemappingOptions = {}, x2Apic = false): Remapping {
  const all = prepared(options, x2Apic);
  expect(all.kernel.startInterruptRemapping(all.unit)).toBe(1);
  return all;
}

/** The same with entry 0 for SOURCE: vector 0x51 to core 3. */
function withEntry(options: RemappingOptions = {}): Remapping {
  const all = remapping(options);
  expect(all.kernel.allocateEntries(all.unit, 1)).toBe(0);
  expect(all.kernel.writeEntry(all.unit, 0, 0x51, 3, 0, all.kernel.sourceValidation(SOURCE))).toBe(entryStatus("Done"));
  return all;
}

describe("who may interrupt", () => {
  test("the right source arrives, any other is blocked with its reason and recorded", () => {
    const { machine } = withEntry();
    expect(machine.message(SOURCE, 0)).toEqual({ vector: 0x51, destination: 3 });
    for (const source of [OTHER, SOURCE ^ 1, SOURCE ^ 8, SOURCE ^ 0x100]) {
      expect(machine.message(source, 0)).toMatchObject({ blocked: REASON.source, index: 0, suppressed: false });
    }
    expect(machine.unit.protocolErrors).toEqual([]);
  });

  test("an entry that is empty, and one beyond the table, are blocked", () => {
    const { machine } = withEntry();
    expect(machine.message(SOURCE, 1)).toMatchObject({ blocked: REASON.absent, index: 1, suppressed: false });
    expect(machine.message(SOURCE, 255)).toMatchObject({ blocked: REASON.absent, index: 255 });
    expect(machine.message(SOURCE, 256)).toMatchObject({ blocked: REASON.index });
  });

  test("behind a conventional bridge every bus of the range arrives, and no bus beside it", () => {
    const { machine, kernel, unit } = remapping();
    kernel.allocateEntries(unit, 1);
    expect(kernel.writeEntry(unit, 0, 0x52, 1, 0, kernel.busRangeValidation(4, 6))).toBe(entryStatus("Done"));
    for (const source of [0x0400, 0x05ff, 0x06a8]) expect(machine.message(source, 0)).toEqual({ vector: 0x52, destination: 1 });
    for (const source of [0x03ff, 0x0700]) expect(machine.message(source, 0)).toMatchObject({ blocked: REASON.source });
  });

  test("a message in compatibility format arrives before remapping starts, and not after", () => {
    const { machine, kernel, unit } = prepared();
    expect(machine.unit.message(SOURCE, COMPATIBILITY_ADDRESS, 0x60)).toEqual({ vector: 0x60, destination: 0 });
    expect(kernel.startInterruptRemapping(unit)).toBe(1);
    expect(machine.unit.message(SOURCE, COMPATIBILITY_ADDRESS, 0x60)).toMatchObject({ blocked: REASON.compatibility });
  });
});

describe("destinations", () => {
  const extended = { extended: extendedCapability({ extendedInterrupts: true }) };

  test("x2APIC identifiers above 255 where host and unit know them", () => {
    const { machine, kernel, unit } = remapping(extended, true);
    kernel.allocateEntries(unit, 1);
    expect(kernel.writeEntry(unit, 0, 0x51, 0x1_0203, 0, kernel.sourceValidation(SOURCE))).toBe(entryStatus("Done"));
    expect(machine.message(SOURCE, 0)).toEqual({ vector: 0x51, destination: 0x1_0203 });
    expect(machine.unit.interruptTable).toMatchObject({ entries: 256, isExtended: true });
  });

  test("xAPIC identifiers while the host runs in that mode, whatever the unit knows", () => {
    const { machine, kernel, unit } = remapping(extended);
    kernel.allocateEntries(unit, 1);
    expect(kernel.writeEntry(unit, 0, 0x51, 0x1_0203, 0, kernel.sourceValidation(SOURCE))).toBe(entryStatus("CoreUnreachable"));
    expect(kernel.writeEntry(unit, 0, 0x51, 0xfe, 0, kernel.sourceValidation(SOURCE))).toBe(entryStatus("Done"));
    expect(machine.message(SOURCE, 0)).toEqual({ vector: 0x51, destination: 0xfe });
    expect(machine.unit.interruptTable.isExtended).toBe(false);
  });
});

describe("changes", () => {
  test("without invalidation the unit goes on with what the entry was", () => {
    const { machine, kernel, unit, table } = withEntry();
    expect(machine.message(SOURCE, 0)).toEqual({ vector: 0x51, destination: 3 });
    machine.memory.write(table, 8, kernel.remappedLow(0x52, kernel.destinationOf(4, 0), 0));
    expect(machine.message(SOURCE, 0)).toEqual({ vector: 0x51, destination: 3 });
    expect(kernel.writeEntry(unit, 0, 0x52, 4, 0, kernel.sourceValidation(SOURCE))).toBe(entryStatus("Done"));
    expect(machine.message(SOURCE, 0)).toEqual({ vector: 0x52, destination: 4 });
  });

  test("the kernel's own changes are in force when it returns: another owner, then nobody", () => {
    const { machine, kernel, unit } = withEntry();
    expect(machine.message(SOURCE, 0)).toMatchObject({ vector: 0x51 });
    expect(kernel.writeEntry(unit, 0, 0x53, 1, 0, kernel.sourceValidation(OTHER))).toBe(entryStatus("Done"));
    expect(machine.message(SOURCE, 0)).toMatchObject({ blocked: REASON.source });
    expect(machine.message(OTHER, 0)).toEqual({ vector: 0x53, destination: 1 });
    expect(kernel.clearEntry(unit, 0)).toBe(entryStatus("Done"));
    expect(machine.message(OTHER, 0)).toMatchObject({ blocked: REASON.absent });
  });

  test("a unit in caching mode, which remembers that there was no entry, sees the new one", () => {
    const { machine, kernel, unit } = remapping({ capability: capability({ cachingMode: true }) });
    kernel.allocateEntries(unit, 1);
    expect(machine.message(SOURCE, 0)).toMatchObject({ blocked: REASON.absent });
    expect(kernel.writeEntry(unit, 0, 0x51, 3, 0, kernel.sourceValidation(SOURCE))).toBe(entryStatus("Done"));
    expect(machine.message(SOURCE, 0)).toEqual({ vector: 0x51, destination: 3 });
  });

  test("only the entry that changed is invalidated", () => {
    const { machine, kernel, unit } = withEntry();
    kernel.allocateEntries(unit, 1);
    machine.unit.caches.log.length = 0;
    kernel.writeEntry(unit, 1, 0x54, 1, 0, kernel.sourceValidation(SOURCE));
    expect(machine.unit.caches.log).toEqual(["interrupts 1 mask 0"]);
  });

  test("an invalidation that does not happen is said", () => {
    const { machine, kernel, unit } = withEntry();
    machine.unit.queue.injected.push({ kind: "hang", times: 4 });
    expect(kernel.clearEntry(unit, 0)).toBe(entryStatus("NotInvalidated"));
  });

  test("a posted entry puts the vector into the descriptor, from where the kernel takes it", () => {
    const { machine, kernel, unit } = remapping({ capability: capability({ posted: true }) });
    const descriptor = 0x1234_5678_0040n & 0x3f_ffff_ffffn;
    kernel.allocateEntries(unit, 1);
    kernel.prepareDescriptor(descriptor, 0xf2, 5, 0);
    expect(kernel.writePostedEntry(unit, 0, 0x81, descriptor, 0, kernel.sourceValidation(SOURCE))).toBe(entryStatus("Done"));
    expect(machine.message(OTHER, 0)).toMatchObject({ blocked: REASON.source });
    expect(kernel.takePosted(descriptor, kernel.scratch())).toBe(0);
    expect(machine.message(SOURCE, 0)).toEqual({ vector: 0xf2, destination: 5, posted: descriptor });
    expect(kernel.takePosted(descriptor, kernel.scratch())).toBe(1);
    expect(machine.view.getUint32(kernel.scratch() + 16, true)).toBe(1 << 1);
  });
});

describe("the start", () => {
  test("what the unit remembers of firmware's table is forgotten, and the table is the kernel's", () => {
    const { machine, kernel, unit, table } = prepared();
    machine.unit.caches.interrupts.set(0, { low: 0x51_0001n, high: 0n });
    expect(kernel.startInterruptRemapping(unit)).toBe(1);
    expect(machine.unit.interruptTable).toEqual({ address: BigInt(table), entries: 256, isExtended: false });
    expect(machine.unit.globalStatus & GLOBAL.IRE).not.toBe(0);
    expect(machine.message(SOURCE, 0)).toMatchObject({ blocked: REASON.absent });
    expect(entryAt(machine.memory, table, 0)).toEqual({ low: 0n, high: 0n });
  });

  test("remapping that firmware left on stays on all the time, and its compatibility format goes off", () => {
    const { machine, kernel, unit } = prepared();
    machine.unit.globalStatus |= GLOBAL.IRE | GLOBAL.CFI;
    const seen: number[] = [];
    const read = machine.unit.read.bind(machine.unit);
    machine.unit.read = (offset, size) => {
      const value = read(offset, size);
      seen.push(machine.unit.globalStatus);
      return value;
    };
    expect(machine.unit.message(SOURCE, COMPATIBILITY_ADDRESS, 0x60)).toEqual({ vector: 0x60, destination: 0 });
    expect(kernel.startInterruptRemapping(unit)).toBe(1);
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.every((status) => (status & GLOBAL.IRE) !== 0)).toBe(true);
    expect(machine.unit.message(SOURCE, COMPATIBILITY_ADDRESS, 0x60)).toMatchObject({ blocked: REASON.compatibility });
    expect(machine.unit.protocolErrors).toEqual([]);
  });

  test.each<[string, number]>([
    ["the table pointer", GLOBAL.SIRTP],
    ["compatibility format off", GLOBAL.CFI],
    ["remapping on", GLOBAL.IRE],
  ])("a unit that does not follow is not waited for for ever: %s", (_what, bit) => {
    const { machine, kernel, unit } = prepared();
    machine.unit.globalStatus |= GLOBAL.CFI;
    machine.unit.stuck.add(bit);
    expect(kernel.startInterruptRemapping(unit)).toBe(0);
  });

  test("it does not go on with stale entries", () => {
    const { machine, kernel, unit } = prepared();
    machine.unit.queue.injected.push({ kind: "hang", times: 4 });
    expect(kernel.startInterruptRemapping(unit)).toBe(0);
    expect(machine.unit.globalStatus & GLOBAL.IRE).toBe(0);
  });

  test("a unit without interrupt remapping, and one without a table, are left alone", () => {
    const without = prepared({ extended: extendedCapability({ interrupts: false }) });
    expect(without.kernel.startInterruptRemapping(without.unit)).toBe(1);
    const machine = new InterruptMachine(module, [{}]);
    const unit = machine.kernel.addUnit(BigInt(registersOf(0)), 0);
    expect(machine.kernel.startInterruptRemapping(unit)).toBe(1);
    for (const one of [without.machine, machine]) {
      expect(one.unit.read(IRTA, 8)).toBe(0n);
      expect(one.unit.globalStatus & GLOBAL.IRE).toBe(0);
    }
  });
});
