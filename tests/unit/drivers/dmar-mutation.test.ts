// Damaged tables of real machines: the parser always ends, never reads outside the table, and either refuses it with a reason and an offset in it
// or gives records that hold together. DMAR_SEED=number repeats a run.

import { beforeAll, describe, expect, test } from "vitest";
import { fixChecksum } from "../machine/acpi-tables.ts";
import { BudgetedMemory, compileDmar, DmarMachine, foundRecords, NO_RECORDS, type Records, REFUSALS } from "./dmar-machine.ts";
import { assemble, readFixtures } from "./dmar-table.ts";

const SEED = Number(process.env["DMAR_SEED"] ?? Date.now() % 1_000_000_007);
const MUTATIONS = 400;
/** The table ends where this page starts, and nothing may touch it. */
const FORBIDDEN = 0x7e0_0000;
const HEADER = 48;
/** Longer tables are refused before they are read, planner/drivers/acpi/tables.ts. */
const LONGEST = 1 << 24;

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileDmar();
}, 120_000);

/** Numbers 0 to limit - 1 from a seed (mulberry32). */
function randomFrom(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) % limit;
  };
}

type Mutation = (bytes: Buffer, random: (limit: number) => number) => Buffer;

/** Offset of a byte behind the header, or in its DMAR part. */
function place(bytes: Buffer, random: (limit: number) => number): number {
  return 36 + random(bytes.length - 36);
}

const MUTATE: [name: string, mutation: Mutation][] = [
  ["truncation", (bytes, random) => bytes.subarray(0, 37 + random(bytes.length - 37))],
  ["zeros", (bytes, random) => bytes.fill(0, place(bytes, random), Math.min(bytes.length, HEADER + random(bytes.length)))],
  ["one byte", (bytes, random) => {
    bytes[place(bytes, random)] = random(4) === 0 ? [0, 1, 255, 127][random(4)]! : random(256);
    return bytes;
  }],
  ["flipped bits", (bytes, random) => {
    for (let left = 1 + random(8); left > 0; left--) bytes[place(bytes, random)]! ^= 1 << random(8);
    return bytes;
  }],
  ["a part cut out", (bytes, random) => {
    const [from, to] = [place(bytes, random), place(bytes, random)].sort((a, b) => a - b) as [number, number];
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
  }],
  ["a part twice", (bytes, random) => {
    const [from, to] = [place(bytes, random), place(bytes, random)].sort((a, b) => a - b) as [number, number];
    return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
  }],
];

/** Puts the table, with its length and checksum made good, right below the forbidden page. */
function parse(machine: DmarMachine, memory: BudgetedMemory, bytes: Buffer): string {
  bytes.writeUInt32LE(bytes.length, 4);
  machine.placeAt(FORBIDDEN - bytes.length, fixChecksum(bytes, 9));
  // Two checksums of the table and a few reads a structure; nested loops over the table would take more.
  memory.budget = 8 * bytes.length + 1000;
  const result = machine.parseDmar();
  memory.budget = Number.MAX_SAFE_INTEGER;
  return result;
}

function expectSound(records: Records, width: number): void {
  const end = 1n << BigInt(width);
  const { units, reservedMemory, scopes } = records;
  expect(units.length).toBeGreaterThan(0);
  units.forEach((unit, i) => {
    expect(unit.registers).toBeGreaterThan(0n);
    expect(unit.registers % 4096n).toBe(0n);
    expect(unit.registers + unit.size).toBeLessThanOrEqual(end);
    for (const other of units.slice(i + 1)) {
      expect(unit.registers < other.registers + other.size && other.registers < unit.registers + unit.size).toBe(false);
      expect(unit.includesAll && unit.segment === other.segment).toBe(false);
    }
  });
  for (const { base, limit } of reservedMemory) {
    expect(limit).toBeGreaterThan(base);
    expect([base % 4096n, limit % 4096n]).toEqual([0n, 4095n]);
    expect(limit).toBeLessThan(end);
    const overlapping = reservedMemory.filter((other) => base <= other.limit && other.base <= limit);
    expect(overlapping.every((other) => other.base === base && other.limit === limit)).toBe(true);
  }
  const counts = {
    Unit: units.length,
    ReservedMemory: reservedMemory.length,
    RootPortAts: records.rootPortAts.length,
    SocAddressTranslation: records.socAddressTranslations.length,
  };
  for (const scope of scopes) {
    const match = /^(\w+) (\d+): (?:endpoint|bridge|ioapic|hpet|acpi) #\d+ [\da-f]+:1?[\da-f]\.[0-7](\/1?[\da-f]\.[0-7])*$/.exec(scope);
    expect(match, scope).not.toBeNull();
    expect(Number(match?.[2])).toBeLessThan(counts[match?.[1] as keyof typeof counts]);
  }
}

describe(`seed ${SEED}`, () => {
  test.each(readFixtures())("%s", (name, fixture) => {
    const memory = new BudgetedMemory();
    memory.forbid(FORBIDDEN, 4096);
    const machine = new DmarMachine(module, memory);
    const random = randomFrom(SEED ^ fixture.tableLength ^ (fixture.checksum << 16));
    const reasons = new Set<string>();
    for (let i = 0; i < MUTATIONS; i++) {
      const [kind, mutate] = MUTATE[i % MUTATE.length]!;
      const bytes = Buffer.from(mutate(assemble(fixture), random));
      const result = parse(machine, memory, bytes);
      const what = `${name}, seed ${SEED}, mutation ${i} (${kind}): ${bytes.toString("hex")}`;
      reasons.add(result);
      if (result === "") {
        expectSound(foundRecords(machine.parser), machine.parser.hostAddressWidth());
        continue;
      }
      expect(Object.values<string>(REFUSALS), what).toContain(result);
      expect(machine.parser.dmarFailureOffset(), what).toBeGreaterThan(0);
      expect(machine.parser.dmarFailureOffset(), what).toBeLessThan(bytes.length);
      expect(foundRecords(machine.parser), what).toEqual(NO_RECORDS);
    }
    expect(reasons.size).toBeGreaterThan(2);
  });

  test("any byte wrong without a new checksum, and any length that no table has", () => {
    const memory = new BudgetedMemory();
    const machine = new DmarMachine(module, memory);
    const random = randomFrom(SEED);
    const [, fixture] = readFixtures()[0]!;
    for (let i = 0; i < MUTATIONS; i++) {
      const bytes = assemble(fixture);
      if (i % 2 === 0) bytes[8 + random(bytes.length - 8)]! ^= 1 + random(255);
      else bytes.writeUInt32LE(random(2) === 0 ? random(36) : LONGEST + 1 + random(0x7fff_ffff), 4);
      machine.place(bytes);
      expect(machine.parseDmar(), `seed ${SEED}, mutation ${i}`).toBe(REFUSALS.TableMalformed);
      expect(foundRecords(machine.parser)).toEqual(NO_RECORDS);
    }
  });
});
