import { beforeAll, describe, expect, test } from "vitest";
import { compileWalker, FRAMES, GIB, type Grant, mapStatus, MIB2, PAGE, slotOf, walkStatus, WalkerMachine } from "./walker-machine.ts";

const READ_WRITE = 3n;
const READ = 1n;
const LARGE = 0x80n;

/** 1 GiB and 2 MiB leaves, three pages to read and write, and one page to read. */
const GRANTS: Grant[] = [
  { from: 0n, to: 8n * GIB, length: GIB + 2n * MIB2 + 3n * PAGE, attributes: READ_WRITE },
  { from: 4n * GIB, to: 12n * GIB + PAGE, length: PAGE, attributes: READ },
];
/** First small page of the first grant. */
const SMALL = GIB + 2n * MIB2;

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileWalker();
}, 120_000);

interface Built {
  machine: WalkerMachine;
  root: bigint;
}

function build(levels = 4, grants = GRANTS, snoop = false): Built {
  const machine = new WalkerMachine(module);
  machine.useUnit(levels, 3, { snoop });
  const root = machine.walker.createSecondLevel();
  for (const grant of grants) {
    const status = machine.walker.mapSecondLevelWith(root, grant.from, grant.to, grant.length, Number(grant.attributes & 3n), 3);
    expect(status).toBe(mapStatus("Done"));
  }
  return { machine, root };
}

function change({ machine, root }: Built, address: bigint, level: number, how: (entry: bigint) => bigint): bigint {
  const slot = slotOf(machine, root, 4, address, level);
  machine.write(slot, BigInt.asUintN(64, how(machine.read(slot))));
  return machine.read(slot);
}

test("records lie as the tests write them", () => {
  const { walker } = new WalkerMachine(module);
  expect([0, 1, 2, 3, 4].map((i) => walker.secondLevelOffset(i))).toEqual([0, 8, 16, 24, 32]);
  expect([0, 1, 2].map((i) => walker.protectedOffset(i))).toEqual([0, 8, 16]);
  expect([0, 1, 2, 3, 4, 5].map((i) => walker.deviceOffset(i))).toEqual([0, 4, 8, 16, 20, 24]);
  expect([0, 1, 2, 3, 4, 5, 6, 7].map((i) => walker.interruptOffset(i))).toEqual([0, 4, 8, 12, 16, 20, 24, 32]);
});

describe("the walker accepts", () => {
  test.each([3, 4, 5])("exactly what was granted, in tables of %d levels", (levels) => {
    const { machine, root } = build(levels);
    expect(machine.checkSecondLevel(root, levels, GRANTS)).toBe(walkStatus("Good"));
    expect(machine.walker.walkLeaves()).toBe(7n);
    expect(machine.walker.walkBytes()).toBe(GIB + 2n * MIB2 + 4n * PAGE);
    expect([machine.walker.walkFailureAddress(), machine.walker.walkFailureEntry()]).toEqual([0n, 0n]);
  });

  test("memory right before and right after the tables", () => {
    const tables = { base: FRAMES.base, end: FRAMES.base + 4n * PAGE };
    const grants = [tables.base - PAGE, tables.end].map((to, i) => ({ from: BigInt(i) * PAGE, to, length: PAGE, attributes: READ }));
    const { machine, root } = build(4, grants);
    expect(root).toBe(tables.base);
    expect(machine.checkSecondLevel(root, 4, grants, [tables])).toBe(walkStatus("Good"));
    expect(machine.checkSecondLevel(root, 4, grants, [{ base: tables.base - 1n, end: tables.end }])).toBe(walkStatus("ProtectedMapped"));
    expect(machine.checkSecondLevel(root, 4, grants, [{ base: tables.base, end: tables.end + 1n }])).toBe(walkStatus("ProtectedMapped"));
  });

  test("an empty table for no grant", () => {
    const { machine, root } = build(4, []);
    expect(machine.checkSecondLevel(root, 4, [])).toBe(walkStatus("Good"));
  });

  test("the snoop bit where the grant asks for it", () => {
    const { machine, root } = build(4, GRANTS, true);
    const snooped = GRANTS.map((grant) => ({ ...grant, attributes: grant.attributes | 0x800n }));
    expect(machine.checkSecondLevel(root, 4, snooped)).toBe(walkStatus("Good"));
    expect(machine.checkSecondLevel(root, 4, GRANTS)).toBe(walkStatus("UnexpectedBit"));
  });

  test("an entry that allows nothing, whatever its other bits say", () => {
    const built = build();
    change(built, SMALL + 3n * PAGE, 1, () => 0xffff_f000n | 4n);
    expect(built.machine.checkSecondLevel(built.root, 4, GRANTS)).toBe(walkStatus("Good"));
  });
});

describe("the walker refuses", () => {
  test.each<[string, bigint, number, (entry: bigint) => bigint, string]>([
    ["a page that leads elsewhere", SMALL, 1, (entry) => entry + PAGE, "WrongAddress"],
    ["a page beyond the width of physical memory", SMALL, 1, (entry) => entry | (1n << 51n), "WrongAddress"],
    ["a 2 MiB leaf that leads elsewhere", GIB, 2, (entry) => entry + MIB2, "WrongAddress"],
    ["a 1 GiB leaf that leads elsewhere", 0n, 3, (entry) => entry + GIB, "WrongAddress"],
    ["a page that may be written and should not", 4n * GIB, 1, (entry) => entry | 2n, "WrongRights"],
    ["a page that cannot be written and should", SMALL, 1, (entry) => entry & ~2n, "WrongRights"],
    ["a table pointer without the right to write", GIB, 3, (entry) => entry & ~2n, "WrongRights"],
    ["a table pointer without the right to read", 0n, 4, (entry) => entry & ~1n, "WrongRights"],
    ["an execute bit", SMALL, 1, (entry) => entry | 4n, "UnexpectedBit"],
    ["a snoop bit that nobody asked for", SMALL, 1, (entry) => entry | 0x800n, "UnexpectedBit"],
    ["a transient-mapping bit", SMALL, 1, (entry) => entry | (1n << 62n), "UnexpectedBit"],
    ["the large bit in a page", SMALL, 1, (entry) => entry | LARGE, "UnexpectedBit"],
    ["the large bit above 1 GiB", 0n, 4, (entry) => entry | LARGE, "UnexpectedBit"],
    ["a reserved bit in a table pointer", GIB, 3, (entry) => entry | 0x800n, "UnexpectedBit"],
    ["a large leaf that is not aligned", 0n, 3, (entry) => entry | PAGE, "UnexpectedBit"],
    ["a page too many", SMALL + 3n * PAGE, 1, () => (9n * GIB) | READ_WRITE, "NotGranted"],
    ["a large leaf too many", 2n * GIB, 3, () => (16n * GIB) | READ_WRITE | LARGE, "NotGranted"],
    ["a large leaf of which one page is granted", 4n * GIB, 3, () => (12n * GIB) | READ | LARGE, "NotGranted"],
    ["a table that the devices can write", GIB, 3, () => (8n * GIB) | READ_WRITE, "TableExposed"],
  ])("%s", (_what, address, level, how, expected) => {
    const built = build();
    const entry = change(built, address, level, how);
    expect(built.machine.checkSecondLevel(built.root, 4, GRANTS)).toBe(walkStatus(expected));
    expect(BigInt.asUintN(64, built.machine.walker.walkFailureAddress())).toBe(address);
    expect(BigInt.asUintN(64, built.machine.walker.walkFailureEntry())).toBe(entry);
  });

  test.each<[string, bigint, number, bigint]>([
    ["a page", SMALL, 1, PAGE],
    ["a table of two large leaves and three pages", GIB, 3, 2n * MIB2 + 3n * PAGE],
    ["all", 0n, 4, GIB + 2n * MIB2 + 4n * PAGE],
  ])("%s that is missing", (_what, address, level, missing) => {
    const built = build();
    change(built, address, level, () => 0n);
    expect(built.machine.checkSecondLevel(built.root, 4, GRANTS)).toBe(walkStatus("NotMapped"));
    expect(built.machine.walker.walkFailureEntry()).toBe(missing);
  });

  test("what is mapped when a grant is smaller, gone, larger or twice there", () => {
    const { machine, root } = build();
    const [first, second] = GRANTS as [Grant, Grant];
    expect(machine.checkSecondLevel(root, 4, [first])).toBe(walkStatus("NotGranted"));
    expect(machine.checkSecondLevel(root, 4, [{ ...first, length: GIB }, second])).toBe(walkStatus("NotGranted"));
    expect(machine.checkSecondLevel(root, 4, [{ ...first, length: first.length + PAGE }, second])).toBe(walkStatus("NotMapped"));
    expect(machine.checkSecondLevel(root, 4, [first, second, second])).toBe(walkStatus("NotMapped"));
  });

  test.each([
    ["kernel memory under a page", 8n * GIB + SMALL + PAGE],
    ["kernel memory under a 2 MiB leaf", 9n * GIB + MIB2 + 5n * PAGE],
    ["kernel memory under a 1 GiB leaf", 8n * GIB + 0x1234_5000n],
  ])("%s, though it is granted", (_what, base) => {
    const { machine, root } = build();
    expect(machine.checkSecondLevel(root, 4, GRANTS, [FRAMES, { base, end: base + PAGE }])).toBe(walkStatus("ProtectedMapped"));
    const beside = { base: 12n * GIB, end: 12n * GIB + PAGE };
    expect(machine.checkSecondLevel(root, 4, GRANTS, [FRAMES, beside])).toBe(walkStatus("Good"));
  });

  test("other numbers of levels, and the right ones misread", () => {
    const { machine, root } = build();
    expect(machine.checkSecondLevel(root, 2, GRANTS)).toBe(walkStatus("LevelsUnknown"));
    expect(machine.checkSecondLevel(root, 6, GRANTS)).toBe(walkStatus("LevelsUnknown"));
    expect(machine.checkSecondLevel(root, 3, GRANTS)).not.toBe(walkStatus("Good"));
    expect(machine.checkSecondLevel(root, 5, GRANTS)).not.toBe(walkStatus("Good"));
    expect(machine.checkSecondLevel(root | 1n, 4, GRANTS)).toBe(walkStatus("UnexpectedBit"));
  });

  test.each([[0, 0n], [1, 0n], [2, GIB]])("leaves larger than the mask %d allows", (allowed, address) => {
    const { machine, root } = build();
    machine.walker.limitLeaves(allowed);
    expect(machine.checkSecondLevel(root, 4, GRANTS)).toBe(walkStatus("LargeLeaf"));
    expect(machine.walker.walkFailureAddress()).toBe(address);
  });

  test("tables out of reach, without reading them", () => {
    const built = build();
    built.machine.limitTables(FRAMES.end, []);
    expect(built.machine.checkSecondLevel(built.root, 4, GRANTS)).toBe(walkStatus("Good"));
    built.machine.memory.forbid(Number(32n * GIB), 0x1000);
    change(built, GIB, 3, () => (32n * GIB) | READ_WRITE);
    expect(built.machine.checkSecondLevel(built.root, 4, GRANTS)).toBe(walkStatus("TableOutOfReach"));
    built.machine.limitTables(built.root, []);
    expect(built.machine.checkSecondLevel(built.root, 4, GRANTS)).toBe(walkStatus("TableOutOfReach"));
  });

  test("tables in the memory of a partition", () => {
    const built = build();
    const elsewhere = { base: 20n * GIB, end: 21n * GIB };
    built.machine.limitTables(64n * GIB, [elsewhere]);
    expect(built.machine.checkSecondLevel(built.root, 4, GRANTS)).toBe(walkStatus("Good"));
    change(built, 2n * GIB, 3, () => (elsewhere.end - PAGE) | READ_WRITE);
    expect(built.machine.checkSecondLevel(built.root, 4, GRANTS)).toBe(walkStatus("TableExposed"));
    built.machine.limitTables(64n * GIB, [{ base: built.root, end: built.root + 1n }]);
    expect(built.machine.checkSecondLevel(built.root, 4, [])).toBe(walkStatus("TableExposed"));
  });

  test("a root that the devices can reach", () => {
    const { machine, root } = build(4, []);
    const grant = { from: 0n, to: root - PAGE, length: 2n * PAGE, attributes: READ };
    expect(machine.checkSecondLevel(root, 4, [grant], [])).toBe(walkStatus("TableExposed"));
  });

  test("entries that lead in circles, in bounded time", () => {
    const { machine, root } = build(5, []);
    const second = root + PAGE;
    const third = root + 2n * PAGE;
    for (let i = 0n; i < 512n; i++) {
      machine.write(root + 8n * i, second | READ_WRITE);
      machine.write(second + 8n * i, third | READ_WRITE);
      machine.write(third + 8n * i, (third + PAGE) | READ_WRITE);
    }
    expect(machine.checkSecondLevel(root, 5, [])).toBe(walkStatus("TooManyTables"));
  });
});
