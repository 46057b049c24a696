// Tables built by a list of grants, and what the seal says of them once an entry is another.

import { beforeAll, describe, expect, test } from "vitest";
import { DIRECT_BASE, KERNEL_MEMORY } from "./addresses.ts";
import { compileFloor, FloorMachine } from "../machine/floor.ts";
import { leafAt, pagingLeaves } from "../machine/page-walker.ts";
import { enumReader } from "../machine/source-enums.ts";

const status = enumReader("planner/memory/page-tree.ts", "MapStatus");
const mapping = enumReader("kernel/memory/paging.ts", "Mapping");
const PAGE = 4096n;
const ALL_SIZES = 3;
const PRESENT = 1n;
const WRITABLE = 1n << 1n;
const USER = 1n << 2n;
const UNCACHED = 3n << 3n;
/** An entry that leads to a table: present, writable, accessed. */
const TABLE = 0x23n;
const NX = 1n << 63n;

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileFloor();
}, 120_000);

function start(): FloorMachine {
  const machine = new FloorMachine(module);
  machine.floor.clearRanges();
  machine.floor.addRange(0x1000_0000n, 0x1100_0000n);
  return machine;
}

interface Direct {
  base: bigint;
  length: bigint;
  mapping: number;
}

const CODE = 0xffff_ffff_8020_0000n;
const DIRECT: Direct[] = [
  { base: 0xfee0_0000n, length: PAGE, mapping: 5 },
  { base: 0x2000_0000n, length: 0x40_3000n, mapping: 1 },
  { base: 0x40_0000_0000n, length: 0x4020_0000n, mapping: 1 },
  { base: 0x700_0000n, length: 0x2000n, mapping: 0 },
];

/** Lists the ranges, a page of code and a page of kernel memory. */
function list(machine: FloorMachine, direct: Direct[]): void {
  const { floor } = machine;
  floor.clearGrants();
  floor.addGrant(CODE, 0x20_0000n, PAGE, floor.leafBits(mapping("Executable")));
  floor.addGrant(KERNEL_MEMORY, 0x810_0000n, PAGE, floor.leafBits(mapping("Writable")));
  for (const range of direct) floor.addGrant(DIRECT_BASE + range.base, range.base, range.length, floor.leafBits(range.mapping));
}

function build(direct: Direct[] = []): { machine: FloorMachine; pml4: bigint } {
  const machine = start();
  const pml4 = machine.floor.createTables();
  list(machine, direct);
  expect(machine.floor.buildCoreTables(pml4, ALL_SIZES)).toBe(status("Done"));
  return { machine, pml4 };
}

function rightsOf(entry: bigint): string {
  return `r${entry & WRITABLE ? "w" : "-"}${entry & NX ? "-" : "x"}${(entry & UNCACHED) === UNCACHED ? "u" : ""}`;
}

describe("tables of a core", () => {
  test("map the list with its rights, and nothing for user mode", () => {
    const { machine, pml4 } = build(DIRECT);
    const leaves = pagingLeaves(machine.memory, pml4);
    expect([CODE, KERNEL_MEMORY, ...DIRECT.map(({ base }) => DIRECT_BASE + base)].map((address) => rightsOf(leafAt(leaves, address)!.entry))).toEqual(
      ["r-x", "rw-", "rw-u", "rw-", "rw-", "r--"],
    );
    expect(leaves.reduce((sum, { size }) => sum + size, 0n)).toBe(DIRECT.reduce((sum, { length }) => sum + length, 2n * PAGE));
    for (const { entry } of leaves) expect(entry & USER).toBe(0n);
  });

  test("large pages where alignment allows", () => {
    const { machine, pml4 } = build(DIRECT);
    const leaves = pagingLeaves(machine.memory, pml4);
    const sizes = (base: bigint, length: bigint): bigint[] =>
      leaves.filter((leaf) => leaf.from >= DIRECT_BASE + base && leaf.from < DIRECT_BASE + base + length).map((leaf) => leaf.size);
    expect(sizes(0x2000_0000n, 0x40_3000n)).toEqual([0x20_0000n, 0x20_0000n, PAGE, PAGE, PAGE]);
    expect(sizes(0x40_0000_0000n, 0x4020_0000n)).toEqual([0x4000_0000n, 0x20_0000n]);
  });

  test("overlapping ranges and a lack of frames are refused", () => {
    const machine = start();
    list(machine, [{ base: 0x2000_0000n, length: 0x20_0000n, mapping: 1 }, { base: 0x2000_1000n, length: PAGE, mapping: 0 }]);
    expect(machine.floor.buildCoreTables(machine.floor.createTables(), ALL_SIZES)).toBe(status("AlreadyMapped"));
    machine.floor.clearRanges();
    machine.floor.addRange(0x1000_0000n, 0x1000_4000n);
    list(machine, []);
    expect(machine.floor.buildCoreTables(machine.floor.createTables(), ALL_SIZES)).toBe(status("OutOfFrames"));
    expect(machine.floor.createTables()).toBe(0n);
  });

  test.each([[0x1001n, 0x2000n, PAGE], [0x1000n, 0x2008n, PAGE], [0x1000n, 0x2000n, 0x800n], [0x1000n, 1n << 52n, PAGE], [0x1000n, (1n << 52n) - PAGE, 2n * PAGE]])(
    "misaligned or impossible: 0x%x to 0x%x",
    (from, to, length) => {
      const { floor } = start();
      expect(floor.mapRange(floor.createTables(), from, to, length, PRESENT, ALL_SIZES)).toBe(status("Misaligned"));
    },
  );
});

describe("the seal of a core's tables", () => {
  test("accepts what was built", () => {
    const { machine, pml4 } = build(DIRECT);
    expect(machine.floor.checkTree(pml4, 4, PRESENT, TABLE)).toBe(1);
  });

  /** Changes the entry that maps `address` at `level` (1 is the leaf's table). */
  function corrupt(machine: FloorMachine, pml4: bigint, address: bigint, level: number, change: (entry: bigint) => bigint): void {
    let table = pml4;
    for (let current = 4; ; current--) {
      const slot = Number(table + 8n * ((address >> BigInt(12 + 9 * (current - 1))) & 511n));
      const entry = machine.memory.read(slot, 8);
      if (current === level) {
        machine.memory.write(slot, 8, change(entry));
        return;
      }
      table = entry & 0x000f_ffff_ffff_f000n;
    }
  }

  test.each([
    ["a writable page made executable", KERNEL_MEMORY, 1, (entry: bigint) => entry & ~NX],
    ["a writable page that another core has", KERNEL_MEMORY, 1, (entry: bigint) => entry + PAGE],
    ["code made writable", CODE, 1, (entry: bigint) => entry | WRITABLE],
    ["a page opened to user mode", KERNEL_MEMORY, 1, (entry: bigint) => entry | USER],
    ["a table opened to user mode", KERNEL_MEMORY, 2, (entry: bigint) => entry | USER],
    ["a page made writable", DIRECT_BASE + 0x700_0000n, 1, (entry: bigint) => entry | WRITABLE],
    ["registers that are cached", DIRECT_BASE + 0xfee0_0000n, 1, (entry: bigint) => entry & ~UNCACHED],
    ["a leaf at the root", KERNEL_MEMORY, 4, (entry: bigint) => entry | 0x80n],
    ["a guard page that is mapped", KERNEL_MEMORY + PAGE, 1, () => 0x811_1000n | PRESENT | WRITABLE | NX],
    ["a page that is missing", KERNEL_MEMORY, 1, () => 0n],
    ["half the tables that are missing", DIRECT_BASE, 4, () => 0n],
  ])("refuses %s", (_what, address, level, change) => {
    const { machine, pml4 } = build(DIRECT);
    corrupt(machine, pml4, address, level, change);
    expect(machine.floor.checkTree(pml4, 4, PRESENT, TABLE)).toBe(0);
  });
});
