import { beforeAll, describe, expect, test } from "vitest";
import { CORE_BASE, CorePage, DIRECT_BASE, IMAGE_BASE, KERNEL_MEMORY, KERNEL_MEMORY_PAGES, MONITOR_MEMORY, MONITOR_MEMORY_PAGES } from "./addresses.ts";
import { compileFloor, FloorMachine, unsigned } from "../machine/floor.ts";
import { imageAddress } from "../machine/machine.ts";
import { leafAt, pagingLeaves, type Leaf } from "../machine/page-walker.ts";
import { enumReader } from "../machine/source-enums.ts";

const status = enumReader("kernel/memory/page-tree.ts", "MapStatus");
const sealStatus = enumReader("kernel/memory/seal.ts", "SealStatus");
const mapping = enumReader("kernel/memory/paging.ts", "Mapping");
const PAGE = 4096n;
const ALL_SIZES = 3;
const WRITABLE = 1n << 1n;
const USER = 1n << 2n;
const UNCACHED = 3n << 3n;
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

const CORE_BLOCK = 0x800_0000n;
const KERNEL_INSTANCE = 0x810_0000n;
const MONITOR_INSTANCE = 0x830_0000n;

/** Writes a CoreSpace with its list of ranges to the scratch memory. */
function writeSpace(machine: FloorMachine, direct: Direct[], monitor = MONITOR_INSTANCE): number {
  const list = machine.writeWords(direct.flatMap((range) => [range.base, range.length, BigInt(range.mapping)]), 128);
  const counts = BigInt(ALL_SIZES) | (BigInt(direct.length) << 32n);
  return machine.writeWords([0n, 0n, 0n, 0n, 0n, 0n, CORE_BLOCK, KERNEL_INSTANCE, monitor, counts, BigInt(list)]);
}

function build(direct: Direct[] = []): { machine: FloorMachine; pml4: bigint; leaves: Leaf[] } {
  const machine = start();
  const pml4 = machine.floor.createTables();
  expect(machine.floor.buildTables(pml4, writeSpace(machine, direct))).toBe(status("Done"));
  return { machine, pml4, leaves: pagingLeaves(machine.memory, pml4) };
}

/** What the tables must map, page by page: virtual page to physical page and rights. */
function expectedPages(direct: Direct[]): Map<bigint, { to: bigint; rights: string }> {
  const pages = new Map<bigint, { to: bigint; rights: string }>();
  const add = (from: bigint, to: bigint, length: bigint, rights: string): void => {
    for (let offset = 0n; offset < length; offset += PAGE) pages.set(from + offset, { to: to + offset, rights });
  };
  const section = (start: string, end: string, rights: string): void => {
    const from = BigInt(imageAddress(start));
    add(IMAGE_BASE + from, from, BigInt(imageAddress(end)) - from, rights);
  };
  section("TextStart", "TextEnd", "r-x");
  section("RodataStart", "RodataEnd", "r--");
  section("DataStart", "DataEnd", "r--");
  const text = BigInt(imageAddress("TextStart"));
  add(DIRECT_BASE + text, text, BigInt(imageAddress("RodataEnd")) - text, "r--");
  const stack = (first: number, end: number): void => add(CORE_BASE + BigInt(first) * PAGE, CORE_BLOCK + BigInt(first) * PAGE, BigInt(end - first) * PAGE, "rw-");
  stack(CorePage("MainStack"), CorePage("MainStackEnd"));
  stack(CorePage("NmiStack"), CorePage("NmiStackEnd"));
  stack(CorePage("DoubleFaultStack"), CorePage("DoubleFaultStackEnd"));
  stack(CorePage("MachineCheckStack"), CorePage("MachineCheckStackEnd"));
  stack(CorePage("CoreData"), CorePage("Count"));
  add(KERNEL_MEMORY - PAGE, KERNEL_INSTANCE, (KERNEL_MEMORY_PAGES + 1n) * PAGE, "rw-");
  add(MONITOR_MEMORY - PAGE, MONITOR_INSTANCE, (MONITOR_MEMORY_PAGES + 1n) * PAGE, "rw-");
  for (const range of direct) {
    const rights = range.mapping & mapping("Writable") ? "rw-" : "r--";
    add(DIRECT_BASE + range.base, range.base, range.length, range.mapping & mapping("Uncached") ? `${rights}u` : rights);
  }
  return pages;
}

function rightsOf(entry: bigint): string {
  return `r${entry & WRITABLE ? "w" : "-"}${entry & NX ? "-" : "x"}${(entry & UNCACHED) === UNCACHED ? "u" : ""}`;
}

const DIRECT: Direct[] = [
  { base: 0xfee0_0000n, length: PAGE, mapping: 5 },
  { base: 0x2000_0000n, length: 0x40_3000n, mapping: 1 },
  { base: 0x40_0000_0000n, length: 0x4020_0000n, mapping: 1 },
  { base: 0x700_0000n, length: 0x2000n, mapping: 0 },
];

describe("tables of a core", () => {
  test("map exactly what was asked for, with its rights", () => {
    const { leaves } = build(DIRECT);
    const expected = expectedPages(DIRECT);
    let pages = 0;
    for (const leaf of leaves) {
      for (let offset = 0n; offset < leaf.size; offset += PAGE) {
        const page = expected.get(leaf.from + offset);
        if (page === undefined || page.to !== leaf.to + offset || page.rights !== rightsOf(leaf.entry)) {
          expect.fail(`0x${(leaf.from + offset).toString(16)} maps 0x${(leaf.to + offset).toString(16)} ${rightsOf(leaf.entry)}`);
        }
        pages++;
      }
    }
    expect(pages).toBe(expected.size);
  });

  test("nothing is writable and executable, nothing open to user mode", () => {
    for (const leaf of build(DIRECT).leaves) {
      expect((leaf.entry & WRITABLE) !== 0n && (leaf.entry & NX) === 0n).toBe(false);
      expect(leaf.entry & USER).toBe(0n);
    }
  });

  test("guards of stacks and linear memories are not mapped", () => {
    const { leaves } = build();
    for (const page of [0n, 9n, 12n, 15n, 18n, 20n]) expect(leafAt(leaves, CORE_BASE + page * PAGE)).toBeUndefined();
    expect(leafAt(leaves, KERNEL_MEMORY + KERNEL_MEMORY_PAGES * PAGE)).toBeUndefined();
    expect(leafAt(leaves, KERNEL_MEMORY - 2n * PAGE)).toBeUndefined();
    expect(leafAt(leaves, MONITOR_MEMORY + MONITOR_MEMORY_PAGES * PAGE)).toBeUndefined();
  });

  test("large pages where alignment allows", () => {
    const { leaves } = build(DIRECT);
    const sizes = (base: bigint, length: bigint): bigint[] =>
      leaves.filter((leaf) => leaf.from >= DIRECT_BASE + base && leaf.from < DIRECT_BASE + base + length).map((leaf) => leaf.size);
    expect(sizes(0x2000_0000n, 0x40_3000n)).toEqual([0x20_0000n, 0x20_0000n, PAGE, PAGE, PAGE]);
    expect(sizes(0x40_0000_0000n, 0x4020_0000n)).toEqual([0x4000_0000n, 0x20_0000n]);
  });

  test("a core without monitor maps none", () => {
    const machine = start();
    const pml4 = machine.floor.createTables();
    expect(machine.floor.buildTables(pml4, writeSpace(machine, [], 0n))).toBe(status("Done"));
    const leaves = pagingLeaves(machine.memory, pml4);
    expect(leafAt(leaves, MONITOR_MEMORY)).toBeUndefined();
  });

  test("overlapping ranges, executable direct ranges and a lack of frames are refused", () => {
    const overlapping = [{ base: 0x2000_0000n, length: 0x20_0000n, mapping: 1 }, { base: 0x2000_1000n, length: PAGE, mapping: 0 }];
    const machine = start();
    expect(machine.floor.buildTables(machine.floor.createTables(), writeSpace(machine, overlapping))).toBe(status("AlreadyMapped"));
    const executable = [{ base: 0x2000_0000n, length: PAGE, mapping: mapping("Executable") }];
    expect(machine.floor.buildTables(machine.floor.createTables(), writeSpace(machine, executable))).toBe(status("WritableAndExecutable"));
    machine.floor.clearRanges();
    machine.floor.addRange(0x1000_0000n, 0x1000_4000n);
    expect(machine.floor.buildTables(machine.floor.createTables(), writeSpace(machine, []))).toBe(status("OutOfFrames"));
    expect(machine.floor.createTables()).toBe(0n);
  });

  test.each([[0x1001n, 0x2000n, PAGE], [0x1000n, 0x2008n, PAGE], [0x1000n, 0x2000n, 0x800n], [0x1000n, 1n << 52n, PAGE], [0x1000n, (1n << 52n) - PAGE, 2n * PAGE]])(
    "misaligned or impossible: 0x%x to 0x%x",
    (from, to, length) => {
      const { floor } = start();
      expect(floor.mapRange(floor.createTables(), from, to, length, 0, ALL_SIZES)).toBe(status("Misaligned"));
    },
  );
});

describe("the seal of a core's tables", () => {
  test("accepts what was built and counts it", () => {
    const { machine, pml4, leaves } = build(DIRECT);
    expect(machine.floor.checkTables(pml4, machine.writeWords([0x20_1000n, 0x25_0000n], 4096), 1)).toBe(sealStatus("Good"));
    expect(machine.floor.sealLeaves()).toBe(BigInt(leaves.length));
    expect(machine.floor.sealBytes()).toBe(leaves.reduce((sum, leaf) => sum + leaf.size, 0n));
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
    ["a writable page made executable", KERNEL_MEMORY, 1, (entry: bigint) => entry & ~NX, "WritableAndExecutable"],
    ["code made writable", IMAGE_BASE + 0x20_1000n, 1, (entry: bigint) => entry | WRITABLE, "WritableAndExecutable"],
    ["a page opened to user mode", KERNEL_MEMORY, 1, (entry: bigint) => entry | USER, "UserAccessible"],
    ["a table opened to user mode", KERNEL_MEMORY, 2, (entry: bigint) => entry | USER, "UserAccessible"],
    ["constants made writable", IMAGE_BASE + 0x24_0000n, 1, (entry: bigint) => entry | WRITABLE, "ProtectedWritable"],
    ["a leaf at the root", KERNEL_MEMORY, 4, (entry: bigint) => entry | 0x80n, "EntryMalformed"],
  ])("refuses %s", (_what, address, level, change, expected) => {
    const { machine, pml4 } = build(DIRECT);
    corrupt(machine, pml4, address, level, change);
    expect(machine.floor.checkTables(pml4, machine.writeWords([0x20_1000n, 0x25_0000n], 4096), 1)).toBe(sealStatus(expected));
    expect(unsigned(machine.floor.sealFailureAddress()) <= address).toBe(true);
    expect(machine.floor.sealFailureEntry()).not.toBe(0n);
  });

  test("refuses a large writable page over a protected range", () => {
    const { machine, pml4 } = build([{ base: 0x2000_0000n, length: 0x20_0000n, mapping: 1 }]);
    expect(machine.floor.checkTables(pml4, machine.writeWords([0x201f_f000n, 0x2020_0000n], 4096), 1)).toBe(sealStatus("ProtectedWritable"));
    expect(machine.floor.checkTables(pml4, machine.writeWords([0x2020_0000n, 0x2020_1000n], 4096), 1)).toBe(sealStatus("Good"));
  });
});
