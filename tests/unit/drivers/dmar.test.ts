import { beforeAll, describe, expect, test } from "vitest";
import { compileDmar, DmarMachine, expectedRecords, foundRecords, NO_RECORDS, REFUSALS } from "./dmar-machine.ts";
import { assemble, drhd, madeUp, readFixtures, rmrr, type Fixture, type Structure } from "./dmar-table.ts";

const fixtures = new Map(readFixtures());
/** Real firmware that must be refused. */
const REFUSED = new Map([
  ["ideapad-flex-15", { reason: REFUSALS.UnitAddress, offset: 0x30 }],
  ["thinkpad-e15", { reason: REFUSALS.UnitAddress, offset: 0x60 }],
]);

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileDmar();
}, 120_000);

function fixture(name: string): Fixture {
  const found = fixtures.get(name);
  if (found === undefined) throw new Error(`no fixture ${name}`);
  return found;
}

function parsed(...structures: Structure[]): DmarMachine {
  const machine = new DmarMachine(module);
  expect(machine.parse(assemble(madeUp(structures)))).toBe("");
  return machine;
}

describe("tables of real machines", () => {
  test("there are laptops, desktops and servers, and each says where it was published", () => {
    expect(fixtures.size).toBeGreaterThanOrEqual(12);
    for (const { machine, source, published, filledIn } of fixtures.values()) {
      for (const text of [machine, source, published, filledIn]) expect(text.length).toBeGreaterThan(10);
    }
  });

  test.each([...fixtures])("%s: the assembled bytes have the published length and checksum", (_name, table) => {
    const bytes = assemble(table);
    expect(bytes.length).toBe(table.tableLength);
    expect(bytes[9]).toBe(table.checksum);
  });

  test.each([...fixtures].filter(([name]) => !REFUSED.has(name)))("%s: every record", (_name, table) => {
    const machine = new DmarMachine(module);
    expect(machine.parse(assemble(table))).toBe("");
    expect(foundRecords(machine.parser)).toEqual(expectedRecords(table));
    expect(machine.parser.hostAddressWidth()).toBe(table.hostAddressWidth);
    expect(machine.parser.interruptRemappingAllowed()).toBe(table.flags & 1);
    expect(machine.parser.dmarFailureOffset()).toBe(0);
  });

  test.each([...REFUSED])("%s: refused", (name, expected) => {
    const machine = new DmarMachine(module);
    expect(machine.parse(assemble(fixture(name)))).toBe(expected.reason);
    expect(machine.parser.dmarFailureOffset()).toBe(expected.offset);
    expect(foundRecords(machine.parser)).toEqual(NO_RECORDS);
  });

  test("HP ProLiant DL380e Gen8, in numbers", () => {
    const machine = new DmarMachine(module);
    machine.parse(assemble(fixture("proliant-dl380e-gen8")));
    const { units, scopes, reservedMemory, rootPortAts } = foundRecords(machine.parser);
    expect([units.length, scopes.length, reservedMemory.length, rootPortAts.length]).toEqual([2, 107, 9, 2]);
    expect(units.map((unit) => unit.registers)).toEqual([0xfbef_e000n, 0xbeff_e000n]);
    expect(units.map((unit) => unit.includesAll)).toEqual([false, true]);
    expect(scopes).toContain("Unit 1: ioapic #8 0:1e.1");
    expect(scopes).toContain("ReservedMemory 1: endpoint #0 0:1c.7/0.4");
    expect(reservedMemory[8]).toEqual({ base: 0xe_8000n, limit: 0xe_8fffn, segment: 0 });
  });

  test("Samsung 960QHA: units of 64 KiB, SATC; SIDP is skipped", () => {
    const machine = new DmarMachine(module);
    machine.parse(assemble(fixture("samsung-960qha")));
    const { units, scopes, socAddressTranslations } = foundRecords(machine.parser);
    expect(units.map((unit) => unit.size)).toEqual([0x1_0000n, 0x1_0000n, 0x1_0000n]);
    expect(socAddressTranslations).toEqual([{ segment: 0, required: true }]);
    expect(scopes.filter((scope) => scope.startsWith("SocAddressTranslation"))).toHaveLength(3);
    expect(scopes).toHaveLength(10);
  });

  test("a table parsed after another one leaves nothing of the first", () => {
    const machine = new DmarMachine(module);
    machine.parse(assemble(fixture("proliant-dl380e-gen8")));
    expect(machine.parse(assemble(fixture("thinkpad-e15")))).toBe(REFUSALS.UnitAddress);
    expect(machine.parse(assemble(fixture("ms-7a15")))).toBe("");
    expect(foundRecords(machine.parser)).toEqual(expectedRecords(fixture("ms-7a15")));
    expect(machine.parser.dmarFailureOffset()).toBe(0);
  });
});

describe("what no published table has, but the specification allows", () => {
  test("several segments, each with a unit for the rest", () => {
    const structures = [
      drhd(0xfed9_0000, ["endpoint 00:02.0"]), drhd(0xfed9_1000, [], { segment: 1 }), drhd(0xfed9_2000, [], { flags: 1 }),
      drhd(0xfed9_3000, ["ioapic #3 f0:1f.0"], { flags: 1, segment: 0xffff }), drhd(0xfed9_4000, [], { flags: 1, segment: 1 }),
    ];
    expect(foundRecords(parsed(...structures).parser)).toEqual(expectedRecords(madeUp(structures)));
  });

  test("a path of 124 steps, the longest there can be", () => {
    const path = Array.from({ length: 124 }, (_, step) => `${(step % 32).toString(16)}.${step % 8}`).join("/");
    const machine = parsed(drhd(0xfed9_0000, [`bridge 7f:${path}`]));
    expect(machine.parser.scopePathLength(0)).toBe(124);
    expect(foundRecords(machine.parser).scopes).toEqual([`Unit 0: bridge #0 7f:${path}`]);
  });

  test("unknown structures and unknown kinds of scope are skipped", () => {
    const unknown: Structure = { type: "RAW", bytes: Buffer.from([7, 0, 4, 0, 0xff, 0xff, 6, 0, 1, 2]) };
    const withScope: Structure = { type: "RAW", bytes: Buffer.from([2, 0, 24, 0, 1, 0, 5, 0, 9, 8, 0, 0, 0, 0, 99, 99, 2, 8, 0, 0, 0, 1, 2, 3]) };
    const { rootPortAts, scopes } = foundRecords(parsed(unknown, drhd(0xfed9_0000), withScope, unknown).parser);
    expect(rootPortAts).toEqual([{ segment: 5, allPorts: true }]);
    expect(scopes).toEqual(["RootPortAts 0: bridge #0 1:2.3"]);
  });

  test("structures in any order, and one longer than its fields", () => {
    const longer: Structure = { type: "RAW", bytes: Buffer.from([3, 0, 24, 0, 0, 0, 0, 0, 0, 0, 0xd9, 0xfe, 0, 0, 0, 0, 7, 0, 0, 0, 1, 2, 3, 4]) };
    const { proximities, units } = foundRecords(parsed(rmrr(0x1000n, 0x1fffn), longer, drhd(0xfed9_0000)).parser);
    expect(proximities).toEqual([{ registers: 0xfed9_0000n, domain: 7 }]);
    expect(units).toHaveLength(1);
  });

  test("one range of reserved memory in several structures is one range with all the scopes; a segment has its own", () => {
    const [base, limit] = [0x7c00_0000n, 0x7c00_ffffn];
    const structures = [rmrr(base, limit, ["endpoint 00:14.0"]), rmrr(base, limit, ["endpoint 00:02.0"], 1), rmrr(base, limit, ["endpoint 00:1d.0"])];
    const { reservedMemory, scopes } = foundRecords(parsed(drhd(0xfed9_0000), ...structures).parser);
    expect(reservedMemory).toEqual([{ base, limit, segment: 0 }, { base, limit, segment: 1 }]);
    expect(scopes).toEqual(["ReservedMemory 0: endpoint #0 0:14.0", "ReservedMemory 1: endpoint #0 0:2.0", "ReservedMemory 0: endpoint #0 0:1d.0"]);
  });

  test("ranges that touch do not overlap", () => {
    const { reservedMemory } = foundRecords(parsed(drhd(0xfed9_0000), rmrr(0x2000n, 0x2fffn), rmrr(0x3000n, 0x4fffn), rmrr(0x1000n, 0x1fffn)).parser);
    expect(reservedMemory).toHaveLength(3);
  });

  test("registers of 128 MiB, and reserved bits of the size", () => {
    const { units } = foundRecords(parsed(drhd(0x1000_0000, [], { size: 15 }), drhd(0x2000_0000, [], { size: 0xf1 })).parser);
    expect(units.map((unit) => unit.size)).toEqual([0x800_0000n, 0x2000n]);
  });

  test("the highest addresses of 39 bits", () => {
    const { units, reservedMemory } = foundRecords(parsed(drhd(0x7f_ffff_f000), rmrr(0x7f_fff0_0000n, 0x7f_ffff_efffn)).parser);
    expect(units[0]?.registers).toBe(0x7f_ffff_f000n);
    expect(reservedMemory[0]?.limit).toBe(0x7f_ffff_efffn);
  });
});
