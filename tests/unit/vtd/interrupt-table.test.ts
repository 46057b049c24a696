import { beforeAll, describe, expect, test } from "vitest";
import type { MachineOptions } from "../machine/machine.ts";
import { enumReader, readConstants } from "../machine/source-enums.ts";
import { compileInterrupts, entryAt, InterruptMachine } from "./interrupt-machine.ts";

const status = enumReader("planner/vtd/interrupt-table.ts", "EntryStatus");
const ENTRIES = Number(readConstants("kernel/vtd/interrupt-remapping.ts").get("INTERRUPT_ENTRIES"));
const NO_ENTRY = 0xffff_ffff;

const REGISTERS = 0x7000_0000;
const FRAMES = 0x100_0000;
const PAGE = 4096;
const COHERENT = 1n << 0n;
const EXTENDED_MODE = 1n << 4n;
const CAP_PI = 1n << 59n;
/** Source 00:1f.3, SVT 01. */
const SOURCE = 0x4_00fb;
const OTHER_SOURCE = 0x4_0200;

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileInterrupts();
}, 120_000);

interface Unit {
  machine: InterruptMachine;
  unit: number;
  table: number;
}

/** A unit with CAP `capability` and ECAP `extended` whose registers are bytes, and its table; remapping is off. */
function withTable(extended: bigint, capability = 0n, options: MachineOptions = {}): Unit {
  const machine = new InterruptMachine(module, [], options);
  machine.memory.write(REGISTERS + 0x08, 8, capability);
  machine.memory.write(REGISTERS + 0x10, 8, extended);
  machine.kernel.giveFrames(BigInt(FRAMES), BigInt(FRAMES + PAGE));
  machine.memory.writeBytes(FRAMES, Buffer.alloc(PAGE, 0xff));
  const unit = machine.kernel.addUnit(BigInt(REGISTERS), 0);
  expect(machine.kernel.createInterruptTable(unit)).toBe(1);
  return { machine, unit, table: FRAMES };
}

describe("the table", () => {
  test("is one frame without a present entry", () => {
    const { machine, table } = withTable(COHERENT);
    expect(machine.memory.readBytes(table, PAGE)).toEqual(Buffer.alloc(PAGE));
    expect(ENTRIES * 16).toBe(PAGE);
  });

  test("is refused when no frame is left, and gives no entry then", () => {
    const { machine } = withTable(COHERENT);
    const second = machine.kernel.addUnit(BigInt(REGISTERS), 0);
    expect(machine.kernel.createInterruptTable(second)).toBe(0);
    expect(machine.kernel.allocateEntries(second, 1) >>> 0).toBe(NO_ENTRY);
  });

  test("gives each entry once, in a row, until it is full", () => {
    const { machine: { kernel }, unit } = withTable(COHERENT);
    expect(kernel.allocateEntries(unit, 0) >>> 0).toBe(NO_ENTRY);
    expect(kernel.allocateEntries(unit, 3)).toBe(0);
    expect(kernel.allocateEntries(unit, ENTRIES - 2) >>> 0).toBe(NO_ENTRY);
    expect(kernel.allocateEntries(unit, ENTRIES - 4)).toBe(3);
    expect(kernel.allocateEntries(unit, NO_ENTRY) >>> 0).toBe(NO_ENTRY);
    expect(kernel.allocateEntries(unit, 1)).toBe(ENTRIES - 1);
    expect(kernel.allocateEntries(unit, 1) >>> 0).toBe(NO_ENTRY);
  });
});

describe("entries", () => {
  test("each goes to its own place and disturbs no other", () => {
    const { machine, unit, table } = withTable(COHERENT);
    machine.kernel.allocateEntries(unit, 3);
    expect(machine.kernel.writeEntry(unit, 1, 0x51, 7, 1, SOURCE)).toBe(status("Done"));
    expect(entryAt(machine.memory, table, 0)).toEqual({ low: 0n, high: 0n });
    expect(entryAt(machine.memory, table, 1)).toEqual({ low: 0x700_0051_0011n, high: BigInt(SOURCE) });
    expect(entryAt(machine.memory, table, 2)).toEqual({ low: 0n, high: 0n });
    expect(machine.kernel.clearEntry(unit, 1)).toBe(status("Done"));
    expect(entryAt(machine.memory, table, 1)).toEqual({ low: 0n, high: 0n });
  });

  test("posted ones hold the descriptor's address", () => {
    const { machine, unit, table } = withTable(COHERENT, CAP_PI);
    machine.kernel.allocateEntries(unit, 1);
    expect(machine.kernel.writePostedEntry(unit, 0, 0x62, 0x12_3456_7fc0n, 1, SOURCE)).toBe(status("Done"));
    expect(entryAt(machine.memory, table, 0)).toEqual({ low: 0x3456_7fc0_0062_c001n, high: 0x12_0000_0000n | BigInt(SOURCE) });
  });

  test.each([
    ["xAPIC", EXTENDED_MODE, false, 0xfe, 0xfe00n],
    ["x2APIC with ECAP.EIM", EXTENDED_MODE, true, 0x1_0203, 0x1_0203n],
    ["x2APIC without ECAP.EIM", 0n, true, 0xfe, 0xfe00n],
  ])("destinations have the form of the host: %s", (_what, extended, x2Apic, apicId, destination) => {
    const { machine, unit, table } = withTable(COHERENT | extended, 0n, { x2Apic });
    expect(machine.kernel.usesExtendedDestinations(unit)).toBe(extended !== 0n && x2Apic ? 1 : 0);
    machine.kernel.allocateEntries(unit, 1);
    expect(machine.kernel.writeEntry(unit, 0, 0x51, apicId, 0, SOURCE)).toBe(status("Done"));
    expect(entryAt(machine.memory, table, 0).low >> 32n).toBe(destination);
  });

  test.each<[string, keyof typeof REFUSALS]>([
    ["an entry that was not allocated", "NoSuchEntry"],
    ["no source check", "SourceUnchecked"],
    ["a vector below 16", "VectorIllegal"],
    ["a core beyond xAPIC", "CoreUnreachable"],
  ])("refused, and nothing is written: %s", (_what, refusal) => {
    const { machine, unit, table } = withTable(COHERENT, CAP_PI);
    machine.kernel.allocateEntries(unit, 1);
    const { index, vector, apicId, validation } = { index: 0, vector: 0x51, apicId: 1, validation: SOURCE, ...REFUSALS[refusal] };
    expect(machine.kernel.writeEntry(unit, index, vector, apicId, 0, validation)).toBe(status(refusal));
    if (refusal !== "CoreUnreachable") {
      expect(machine.kernel.writePostedEntry(unit, index, vector, 0x4000n, 0, validation)).toBe(status(refusal));
    }
    expect(machine.memory.readBytes(table, PAGE)).toEqual(Buffer.alloc(PAGE));
  });

  test("posting is refused without CAP.PI and with a misaligned descriptor; an entry that nobody has is not cleared", () => {
    const { machine, unit } = withTable(COHERENT);
    machine.kernel.allocateEntries(unit, 1);
    expect(machine.kernel.writePostedEntry(unit, 0, 0x62, 0x4000n, 0, SOURCE)).toBe(status("PostingUnsupported"));
    expect(machine.kernel.clearEntry(unit, 1)).toBe(status("NoSuchEntry"));
    const posting = withTable(COHERENT, CAP_PI);
    posting.machine.kernel.allocateEntries(posting.unit, 1);
    expect(posting.machine.kernel.writePostedEntry(posting.unit, 0, 0x62, 0x4020n, 0, SOURCE)).toBe(status("DescriptorMisaligned"));
    expect(entryAt(posting.machine.memory, posting.table, 0)).toEqual({ low: 0n, high: 0n });
  });
});

const REFUSALS = {
  NoSuchEntry: { index: 1 },
  SourceUnchecked: { validation: 0x00fb },
  VectorIllegal: { vector: 15 },
  CoreUnreachable: { apicId: 0xff },
} as const;

describe("what the unit sees while an entry changes", () => {
  /** Each state of the entry's two halves, as stores make it. */
  function statesOf({ machine, table }: Unit, change: () => number): string[] {
    const states: string[] = [];
    const write = machine.memory.write.bind(machine.memory);
    machine.memory.write = (address, size, value) => {
      write(address, size, value);
      const { low, high } = entryAt(machine.memory, table, 0);
      states.push(`${low.toString(16)} | ${high.toString(16)}`);
    };
    expect(change()).toBe(status("Done"));
    return states;
  }

  function withEntry(): Unit {
    const unit = withTable(COHERENT);
    unit.machine.kernel.allocateEntries(unit.unit, 1);
    expect(unit.machine.kernel.writeEntry(unit.unit, 0, 0x51, 1, 0, SOURCE)).toBe(status("Done"));
    return unit;
  }

  test("another source: the entry goes away before it comes back whole", () => {
    const unit = withEntry();
    expect(statesOf(unit, () => unit.machine.kernel.writeEntry(unit.unit, 0, 0x52, 2, 0, OTHER_SOURCE))).toEqual([
      "0 | 400fb", "0 | 40200", "20000520001 | 40200",
    ]);
  });

  test("another vector and core of the same source: one store, so that no interrupt is lost in between", () => {
    const unit = withEntry();
    expect(statesOf(unit, () => unit.machine.kernel.writeEntry(unit.unit, 0, 0x52, 2, 0, SOURCE))).toEqual(["20000520001 | 400fb"]);
  });

  test("a cleared entry is away with the first store", () => {
    const unit = withEntry();
    expect(statesOf(unit, () => unit.machine.kernel.clearEntry(unit.unit, 0))[0]).toBe("0 | 400fb");
  });
});

describe("caches of the processor", () => {
  test.each([
    ["does not snoop", 0n, true],
    ["snoops", COHERENT, false],
  ])("a unit that %s", (_what, extended, flushed) => {
    const { machine, unit, table } = withTable(extended);
    expect(machine.memory.wasFlushed(table, PAGE)).toBe(flushed);
    machine.kernel.allocateEntries(unit, 9);
    machine.memory.forgetFlushes();
    machine.kernel.writeEntry(unit, 8, 0x51, 1, 0, SOURCE);
    expect(machine.memory.wasFlushed(table + 8 * 16, 16)).toBe(flushed);
    expect(machine.memory.wasFlushed(table, 16)).toBe(false);
    machine.memory.forgetFlushes();
    machine.kernel.clearEntry(unit, 8);
    expect(machine.memory.wasFlushed(table + 8 * 16, 16)).toBe(flushed);
  });
});
