import { beforeAll, describe, expect, test } from "vitest";
import { acpiTable, fixChecksum } from "../machine/acpi-tables.ts";
import { compileDmar, DmarMachine, foundRecords, NO_RECORDS, type Refusal, REFUSALS } from "./dmar-machine.ts";
import { assemble, drhd, madeUp, rmrr, structureBytes, type Structure } from "./dmar-table.ts";

const PAGE = 0x1000;
/** A good unit, 24 bytes, so that what follows it starts at 0x48. */
const UNIT = drhd(0xfed9_0000, ["endpoint 00:02.0"]);
const AFTER = 0x48;

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileDmar();
}, 120_000);

function raw(...bytes: number[]): Structure {
  return { type: "RAW", bytes: Buffer.from(bytes) };
}

/** `structure` with the byte at `at` replaced. */
function patched(structure: Structure, at: number, value: number): Structure {
  const bytes = structureBytes(structure);
  bytes[at] = value;
  return { type: "RAW", bytes };
}

function expectRefusal(table: Buffer, reason: Refusal, offset: number): void {
  const machine = new DmarMachine(module);
  // Records of an earlier table must not outlive the failure.
  expect(machine.parse(assemble(madeUp([UNIT])))).toBe("");
  expect(machine.parse(table)).toBe(REFUSALS[reason]);
  expect(machine.parser.dmarFailureOffset()).toBe(offset);
  expect(foundRecords(machine.parser)).toEqual(NO_RECORDS);
  expect([machine.parser.hostAddressWidth(), machine.parser.interruptRemappingAllowed()]).toEqual([0, 0]);
}

function many(count: number, at: (index: number) => Structure): Structure[] {
  return Array.from({ length: count }, (_, index) => at(index));
}

describe("the table", () => {
  test("missing", () => {
    const machine = new DmarMachine(module);
    machine.place(acpiTable("APIC", Buffer.alloc(8)));
    expect(machine.parseDmar()).toBe(REFUSALS.Missing);
    expect(machine.parser.dmarFailureOffset()).toBe(0);
  });

  test("wrong checksum", () => {
    const table = assemble(madeUp([UNIT]));
    table[0x40]!++;
    expectRefusal(table, "TableMalformed", 4);
  });

  test("length below the ACPI header", () => {
    const table = assemble(madeUp([UNIT]));
    table.writeUInt32LE(35, 4);
    expectRefusal(fixChecksum(table, 9, 35), "TableMalformed", 4);
  });

  test.each([36, 47])("length %d", (length) => expectRefusal(acpiTable("DMAR", Buffer.alloc(length - 36)), "TableTooShort", 4));

  test("no unit", () => {
    expectRefusal(assemble(madeUp([])), "NoUnit", 4);
    expectRefusal(assemble(madeUp([rmrr(0x1000n, 0x1fffn)])), "NoUnit", 4);
  });

  test.each([53, 64, 256])("host address width %d", (hostAddressWidth) => {
    expectRefusal(assemble(madeUp([UNIT], { hostAddressWidth })), "HostAddressWidth", 36);
  });
});

describe("structures", () => {
  test.each<[string, Structure, Refusal]>([
    ["one byte at the end", raw(0), "StructureTruncated"],
    ["three bytes at the end", raw(0, 0, 16), "StructureTruncated"],
    ["length 0", raw(0, 0, 0, 0), "StructureTooShort"],
    ["length 0 of an unknown type", raw(9, 0, 0, 0), "StructureTooShort"],
    ["length 3 of an unknown type", raw(9, 0, 3, 0), "StructureTooShort"],
    ["DRHD of 15 bytes", raw(0, 0, 15, 0, ...Buffer.alloc(11)), "StructureTooShort"],
    ["RMRR of 23 bytes", raw(1, 0, 23, 0, ...Buffer.alloc(19)), "StructureTooShort"],
    ["ATSR of 7 bytes", raw(2, 0, 7, 0, 0, 0, 0), "StructureTooShort"],
    ["RHSA of 19 bytes", raw(3, 0, 19, 0, ...Buffer.alloc(15)), "StructureTooShort"],
    ["ANDD of 7 bytes", raw(4, 0, 7, 0, 0, 0, 0), "StructureTooShort"],
    ["SATC of 7 bytes", raw(5, 0, 7, 0, 0, 0, 0), "StructureTooShort"],
    ["DRHD that ends one byte late", raw(0, 0, 17, 0, ...Buffer.alloc(12)), "StructureBeyondTable"],
    ["unknown type of 65535 bytes", raw(9, 0, 255, 255), "StructureBeyondTable"],
  ])("%s", (_what, structure, reason) => expectRefusal(assemble(madeUp([UNIT, structure])), reason, AFTER));
});

describe("device scopes", () => {
  const owners: [string, Structure, number][] = [
    ["DRHD", drhd(0xfed9_1000, ["endpoint 00:1f.0", "bridge 00:1c.0/00.0"]), 16],
    ["RMRR", rmrr(0x1000n, 0x1fffn, ["endpoint 00:1f.0", "bridge 00:1c.0/00.0"]), 24],
    ["ATSR", { type: "ATSR", flags: 0, segment: 0, scopes: ["endpoint 00:1f.0", "bridge 00:1c.0/00.0"] }, 8],
    ["SATC", { type: "SATC", flags: 0, segment: 0, scopes: ["endpoint 00:1f.0", "bridge 00:1c.0/00.0"] }, 8],
  ];

  describe.each(owners)("of a %s", (_owner, structure, first) => {
    const second = first + 8;

    test.each<[string, number, Refusal]>([
      ["length 0", 0, "ScopeLength"],
      ["no path", 6, "ScopeLength"],
      ["half a step", 9, "ScopeLength"],
      ["two bytes too long", 12, "ScopeBeyondStructure"],
      ["254 bytes", 254, "ScopeBeyondStructure"],
    ])("%s", (_what, length, reason) => {
      expectRefusal(assemble(madeUp([UNIT, patched(structure, second + 1, length)])), reason, AFTER + second);
    });

    test.each([1, 5])("a rest of %d bytes", (rest) => {
      const bytes = Buffer.concat([structureBytes(structure), Buffer.alloc(rest)]);
      bytes.writeUInt16LE(bytes.length, 2);
      expectRefusal(assemble(madeUp([UNIT, { type: "RAW", bytes }])), "ScopeTruncated", AFTER + second + 10);
    });

    test("a device above 31 or a function above 7, at any step", () => {
      for (const [at, value] of [[6, 32], [7, 8], [8, 255], [9, 255]] as const) {
        expectRefusal(assemble(madeUp([UNIT, patched(structure, second + at, value)])), "ScopePath", AFTER + second);
      }
    });
  });
});

describe("units", () => {
  const all = { flags: 1 };

  test.each<[string, Structure, Refusal]>([
    ["at address 0", drhd(0), "UnitAddress"],
    ["not on a page", drhd(0xfed9_0800), "UnitAddress"],
    ["above the width", drhd(0x80_0000_0000), "UnitBeyondWidth"],
    ["of 8 KiB that ends above the width", drhd(0x7f_ffff_f000, [], { size: 1 }), "UnitBeyondWidth"],
    ["that wraps around", { ...drhd(0x1000, [], { size: 1 }), base: "0xfffffffffffff000" } as Structure, "UnitBeyondWidth"],
    ["twice", drhd(0xfed9_0000), "UnitOverlap"],
    ["twice, in another segment", drhd(0xfed9_0000, [], { segment: 1 }), "UnitOverlap"],
    ["of 64 KiB over another one", drhd(0xfed8_1000, [], { size: 4 }), "UnitOverlap"],
  ])("%s", (_what, structure, reason) => expectRefusal(assemble(madeUp([UNIT, structure])), reason, AFTER));

  test("inside another one of 8 KiB", () => {
    expectRefusal(assemble(madeUp([drhd(0xfed9_0000, [], { size: 1 }), drhd(0xfed9_1000)])), "UnitOverlap", 0x40);
  });

  test("INCLUDE_PCI_ALL twice in a segment, or not last", () => {
    const [first, second, other] = [drhd(0xfed9_0000, [], all), drhd(0xfed9_1000, [], all), drhd(0xfed9_2000, [], { ...all, segment: 1 })];
    expectRefusal(assemble(madeUp([first, second])), "IncludeAllTwice", 0x40);
    expectRefusal(assemble(madeUp([first, other, second])), "IncludeAllTwice", 0x50);
    expectRefusal(assemble(madeUp([first, drhd(0xfed9_3000)])), "IncludeAllNotLast", 0x40);
    expectRefusal(assemble(madeUp([first, rmrr(0x1000n, 0x1fffn), other, drhd(0xfed9_3000)])), "IncludeAllNotLast", 0x68);
  });
});

describe("reserved memory", () => {
  test.each<[string, bigint, bigint, Refusal]>([
    ["that ends before it starts", 0x2000n, 0x0fffn, "ReservedMemoryLimit"],
    ["of no byte", 0x2000n, 0x1fffn, "ReservedMemoryLimit"],
    ["that starts within a page", 0x2800n, 0x2fffn, "ReservedMemoryUnaligned"],
    ["that ends within a page", 0x2000n, 0x27ffn, "ReservedMemoryUnaligned"],
    ["whose limit is base plus size", 0x2000n, 0x3000n, "ReservedMemoryUnaligned"],
    ["whose base is filled in, but whose limit is not", 0x2000n, 0n, "ReservedMemoryLimit"],
    ["above the width", 0x80_0000_0000n, 0x80_0000_0fffn, "ReservedMemoryBeyondWidth"],
    ["that ends above the width", 0x7f_ffff_f000n, 0x80_0000_0fffn, "ReservedMemoryBeyondWidth"],
    ["of the whole address space", 0n, 0xffff_ffff_ffff_ffffn, "ReservedMemoryBeyondWidth"],
  ])("%s", (_what, base, limit, reason) => expectRefusal(assemble(madeUp([UNIT, rmrr(base, limit)])), reason, AFTER));

  test.each<[string, bigint, bigint]>([
    ["its first page", 0x0000n, 0x4fffn],
    ["its last page", 0x7000n, 0x9fffn],
    ["a page in its middle", 0x5000n, 0x5fffn],
    ["all of it and more", 0x3000n, 0x8fffn],
    ["the same base, one page more", 0x4000n, 0x8fffn],
    ["the same limit, one page less", 0x5000n, 0x7fffn],
  ])("overlap with another range: %s", (_what, base, limit) => {
    expectRefusal(assemble(madeUp([UNIT, rmrr(0x4000n, 0x7fffn), rmrr(base, limit)])), "ReservedMemoryOverlap", AFTER + 24);
    expectRefusal(assemble(madeUp([UNIT, rmrr(0x4000n, 0x7fffn), rmrr(base, limit, [], 1)])), "ReservedMemoryOverlap", AFTER + 24);
  });
});

describe("capacity", () => {
  const bridges = (count: number): string[] => Array.from({ length: count }, (_, i) => `bridge 00:${(i % 32).toString(16)}.0`);

  test.each<[string, number, (index: number) => Structure]>([
    ["DRHD", 16, (i) => drhd(0xfed0_0000 + i * PAGE)],
    ["RMRR", 24, (i) => rmrr(BigInt(i * PAGE), BigInt(i * PAGE + PAGE - 1))],
    ["ATSR", 8, () => ({ type: "ATSR", flags: 1, segment: 0, scopes: [] })],
    ["RHSA", 20, (i) => ({ type: "RHSA", base: "0x1000", domain: i })],
    ["SATC", 8, () => ({ type: "SATC", flags: 1, segment: 0, scopes: [] })],
  ])("%s: 64 fit, one more does not", (type, size, at) => {
    const before = type === "DRHD" ? [] : [UNIT];
    const machine = new DmarMachine(module);
    expect(machine.parse(assemble(madeUp([...before, ...many(64, at)])))).toBe("");
    const counts = Object.values(foundRecords(machine.parser)).map((records: unknown[]) => records.length);
    expect(Math.max(...counts)).toBe(64);
    const start = before.length === 0 ? 0x30 : AFTER;
    expectRefusal(assemble(madeUp([...before, ...many(65, at)])), "TooManyStructures", start + 64 * size);
  });

  test("any number of ANDD structures, which name no PCI functions, is passed over", () => {
    const machine = new DmarMachine(module);
    const devices = many(65, (i) => ({ type: "ANDD", number: i, name: "\\_SB.PCI0.I2C0", length: 28 }));
    expect(machine.parse(assemble(madeUp([UNIT, ...devices])))).toBe("");
    expect(machine.parser.unitCount()).toBe(1);
  });

  test("512 scopes fit, one more does not", () => {
    const machine = new DmarMachine(module);
    const structures = many(4, (i) => drhd(0xfed9_0000 + i * PAGE, bridges(128)));
    expect(machine.parse(assemble(madeUp(structures)))).toBe("");
    expect(machine.parser.scopeCount()).toBe(512);
    const last: Structure = { type: "ATSR", flags: 0, segment: 0, scopes: bridges(1) };
    expectRefusal(assemble(madeUp([...structures, last])), "TooManyScopes", 0x30 + 4 * (16 + 128 * 8) + 8);
  });

  test("a 65th structure for a known range of reserved memory fits", () => {
    const known = many(64, (i) => rmrr(BigInt(i * PAGE), BigInt(i * PAGE + PAGE - 1)));
    expect(new DmarMachine(module).parse(assemble(madeUp([UNIT, ...known, rmrr(0x1000n, 0x1fffn)])))).toBe("");
  });
});
