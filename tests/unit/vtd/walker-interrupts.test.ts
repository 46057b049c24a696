import { beforeAll, describe, expect, test } from "vitest";
import { interruptViews } from "../machine/remapping-walker.ts";
import { Random } from "../monitor/decoder/native/random.ts";
import { compileWalker, type Interrupt, PAGE, walkStatus, WalkerMachine } from "./walker-machine.ts";

const SEED = BigInt(process.env["WALKER_SEED"] ?? "20240611");
const TABLE = 0x200_0000n;
const ENTRIES = 512;
const DESCRIPTOR = 0x1_2345_6780n;
const ONE_SOURCE = 1 << 18;
const BUS_RANGE = 2 << 18;

const NONE = { levelTriggered: false, urgent: false, descriptor: 0n };
const INTERRUPTS: Interrupt[] = [
  { ...NONE, index: 0, vector: 0x41, destination: 3, levelTriggered: true, sourceValidation: ONE_SOURCE | 0xf0f8 },
  { ...NONE, index: 7, vector: 0xfe, destination: 0, sourceValidation: ONE_SOURCE | 0x0018 },
  { ...NONE, index: 300, vector: 0x20, destination: 5, sourceValidation: BUS_RANGE | 0x0507 },
  { ...NONE, index: 510, vector: 0x99, destination: 0, sourceValidation: ONE_SOURCE | 0x0300, descriptor: DESCRIPTOR },
  { ...NONE, index: 511, vector: 0x98, destination: 0, sourceValidation: ONE_SOURCE | 0x0300, urgent: true, descriptor: DESCRIPTOR + 64n },
];

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileWalker();
}, 120_000);

/** An entry as VT-d 4.1 9.9 and 9.10 draws it. */
function encode(one: Interrupt, isExtended: boolean): [bigint, bigint] {
  const low = 1n | (BigInt(one.vector) << 16n);
  const high = BigInt(one.sourceValidation);
  if (one.descriptor === 0n) {
    const destination = BigInt(one.destination) << (isExtended ? 32n : 40n);
    return [low | destination | (one.levelTriggered ? 0x10n : 0n), high];
  }
  const mode = 0x8000n | (one.urgent ? 0x4000n : 0n);
  return [low | mode | (((one.descriptor >> 6n) & 0x3ff_ffffn) << 38n), high | ((one.descriptor >> 32n) << 32n)];
}

function build(interrupts = INTERRUPTS, isExtended = true): WalkerMachine {
  const machine = new WalkerMachine(module);
  for (const one of interrupts) {
    const [low, high] = encode(one, isExtended);
    machine.write(TABLE + 16n * BigInt(one.index), low);
    machine.write(TABLE + 16n * BigInt(one.index) + 8n, high);
  }
  return machine;
}

function check(machine: WalkerMachine, interrupts = INTERRUPTS): string {
  return machine.checkInterrupts(TABLE, ENTRIES, interrupts);
}

describe("the walker accepts", () => {
  test.each([true, false])("exactly what is listed, x2APIC destinations: %s", (isExtended) => {
    const machine = build(INTERRUPTS, isExtended);
    expect(machine.checkInterrupts(TABLE, ENTRIES, INTERRUPTS, isExtended)).toBe(walkStatus("Good"));
    expect(machine.checkInterrupts(TABLE, ENTRIES, INTERRUPTS, !isExtended)).toBe(walkStatus("WrongDestination"));
  });

  test("an empty table, and entries that are not present", () => {
    const machine = build([]);
    expect(check(machine, [])).toBe(walkStatus("Good"));
    machine.write(TABLE + 32n, 0x41_0002n);
    machine.write(TABLE + 40n, 0x4_0018n);
    expect(check(machine, [])).toBe(walkStatus("Good"));
  });

  test("a destination of 32 bits", () => {
    const wide = [{ ...INTERRUPTS[0]!, destination: 0xffff_fff0 }];
    expect(check(build(wide), wide)).toBe(walkStatus("Good"));
  });
});

describe("the walker refuses", () => {
  test("an entry too many", () => {
    for (const one of INTERRUPTS) {
      const machine = build();
      expect(check(machine, INTERRUPTS.filter((other) => other !== one))).toBe(walkStatus("UnknownInterrupt"));
      expect(machine.walker.walkFailureAddress()).toBe(BigInt(one.index));
    }
  });

  test("an entry too few, or beyond the table", () => {
    const machine = build();
    expect(check(machine, [...INTERRUPTS, { ...INTERRUPTS[0]!, index: 1 }])).toBe(walkStatus("InterruptMissing"));
    expect(machine.walker.walkFailureAddress()).toBe(1n);
    expect(check(machine, [...INTERRUPTS, { ...INTERRUPTS[0]!, index: ENTRIES }])).toBe(walkStatus("InterruptMissing"));
    expect(machine.walker.walkFailureAddress()).toBe(BigInt(ENTRIES));
  });

  test("lists that name an entry twice or check no source", () => {
    const machine = build();
    expect(check(machine, [...INTERRUPTS, INTERRUPTS[1]!])).toBe(walkStatus("InterruptTwice"));
    for (const sourceValidation of [0x0018, (3 << 18) | 0x0018, (1 << 20) | 0x0018]) {
      expect(check(machine, [{ ...INTERRUPTS[1]!, sourceValidation }])).toBe(walkStatus("SourceUnchecked"));
    }
  });

  test.each<[string, number, number, bigint, string]>([
    ["another vector", 0, 0, 1n << 16n, "WrongVector"],
    ["another core", 0, 0, 1n << 32n, "WrongDestination"],
    ["a core with a large identifier", 7, 0, 1n << 63n, "WrongDestination"],
    ["an edge in place of a level", 0, 0, 0x10n, "WrongTrigger"],
    ["a level in place of an edge", 7, 0, 0x10n, "WrongTrigger"],
    ["a logical destination", 0, 0, 4n, "UnexpectedBit"],
    ["a redirection hint", 0, 0, 8n, "UnexpectedBit"],
    ["an SMI", 0, 0, 2n << 5n, "UnexpectedBit"],
    ["an NMI", 0, 0, 4n << 5n, "UnexpectedBit"],
    ["an INIT", 0, 0, 5n << 5n, "UnexpectedBit"],
    ["an available bit", 0, 0, 1n << 8n, "UnexpectedBit"],
    ["a reserved bit", 0, 0, 1n << 24n, "UnexpectedBit"],
    ["faults that are not recorded", 0, 0, 2n, "FaultsHidden"],
    ["another source", 7, 8, 1n, "WrongSource"],
    ["another bus range", 300, 8, 1n << 8n, "WrongSource"],
    ["any source", 7, 8, 1n << 18n, "SourceUnchecked"],
    ["the reserved validation", 7, 8, 2n << 18n, "SourceUnchecked"],
    ["functions that are not compared", 7, 8, 3n << 16n, "WrongSource"],
    ["a reserved bit beside the source", 7, 8, 1n << 20n, "UnexpectedBit"],
    ["a remapped entry in place of a posted one", 510, 0, 0x8000n, "WrongDescriptor"],
    ["a posted entry in place of a remapped one", 7, 0, 0x8000n, "WrongDescriptor"],
    ["another virtual vector", 510, 0, 1n << 20n, "WrongVector"],
    ["an urgent entry that is not listed as such", 510, 0, 0x4000n, "UnexpectedBit"],
    ["an entry that is listed as urgent and is not", 511, 0, 0x4000n, "UnexpectedBit"],
    ["a reserved bit of a posted entry", 510, 0, 4n, "UnexpectedBit"],
    ["another reserved bit of a posted entry", 510, 0, 1n << 32n, "UnexpectedBit"],
    ["a reserved bit beside the source of a posted entry", 510, 8, 1n << 31n, "UnexpectedBit"],
    ["another source of a posted entry", 510, 8, 8n, "WrongSource"],
  ])("%s", (_what, index, half, bits, status) => {
    const machine = build();
    const slot = TABLE + 16n * BigInt(index) + BigInt(half);
    const changed = machine.read(slot) ^ bits;
    machine.write(slot, changed);
    expect(check(machine)).toBe(walkStatus(status));
    expect(machine.walker.walkFailureAddress()).toBe(BigInt(index));
    expect(BigInt.asUintN(64, machine.walker.walkFailureEntry())).toBe(changed);
  });

  test.each([[0, 1n << 38n], [8, 1n << 32n]])("another descriptor, half %d", (half, bits) => {
    const machine = build();
    const slot = TABLE + 16n * 510n + BigInt(half);
    machine.write(slot, machine.read(slot) ^ bits);
    expect(check(machine)).toBe(walkStatus("WrongDescriptor"));
    const descriptor = half === 0 ? DESCRIPTOR ^ 64n : DESCRIPTOR ^ (1n << 32n);
    expect(machine.walker.walkFailureEntry()).toBe(descriptor);
  });

  test("a table or a descriptor out of reach or in a partition's memory", () => {
    const machine = build();
    const end = DESCRIPTOR + PAGE;
    const expectLimits = (limit: bigint, base: bigint, status: string): void => {
      machine.limitTables(limit, [{ base, end: base + 1n }]);
      expect(check(machine)).toBe(walkStatus(status));
    };
    expectLimits(end, TABLE + BigInt(ENTRIES) * 16n, "Good");
    expectLimits(end, TABLE + BigInt(ENTRIES) * 16n - 1n, "TableExposed");
    expectLimits(end, DESCRIPTOR, "TableExposed");
    expectLimits(DESCRIPTOR, end, "TableOutOfReach");
    expectLimits(TABLE + PAGE, end, "TableOutOfReach");
    expect(machine.checkInterrupts(TABLE + 16n, ENTRIES, [])).toBe(walkStatus("UnexpectedBit"));
  });

  test("a flipped bit that changes what the unit sees", () => {
    const machine = build();
    const random = new Random(SEED);
    const before = interruptViews(machine.memory, TABLE, ENTRIES);
    expect([...before.keys()]).toEqual(INTERRUPTS.map((one) => one.index));
    let changes = 0;
    for (let i = 0; i < 600; i++) {
      const index = random.below(3) === 0 ? random.below(ENTRIES) : random.pick(INTERRUPTS).index;
      const slot = TABLE + 16n * BigInt(index) + 8n * BigInt(random.below(2));
      const bit = BigInt(random.below(3) === 0 ? 0 : random.below(64));
      const word = machine.read(slot);
      machine.write(slot, word ^ (1n << bit));
      const after = interruptViews(machine.memory, TABLE, ENTRIES);
      if (JSON.stringify([...after]) !== JSON.stringify([...before])) {
        changes++;
        expect(check(machine), `seed ${SEED}: bit ${bit} of 0x${slot.toString(16)}`).not.toBe(walkStatus("Good"));
      }
      machine.write(slot, word);
    }
    expect(changes).toBeGreaterThan(100);
    expect(check(machine)).toBe(walkStatus("Good"));
  });
});
