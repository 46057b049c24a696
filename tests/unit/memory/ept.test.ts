import { beforeAll, describe, expect, test } from "vitest";
import { compileFloor, FloorMachine, unsigned } from "../machine/floor.ts";
import { eptLeaves, type Leaf } from "../machine/page-walker.ts";
import { enumReader } from "../machine/source-enums.ts";

const status = enumReader("planner/memory/page-tree.ts", "MapStatus");
const PAGE = 0x1000n;
const MIB2 = 0x20_0000n;
const GIB = 0x4000_0000n;
const RWX = 7;
const WRITE_BACK = 6;
const NO_LARGE = 0;
const ONLY_2M = 1;
const ONLY_1G = 2;
const BOTH = 3;
/** Bits 5:0 of a leaf with all rights and write-back memory. */
const ATTRIBUTES = 0x37n;

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileFloor();
}, 120_000);

function start(): { machine: FloorMachine; root: bigint } {
  const machine = new FloorMachine(module);
  machine.floor.clearRanges();
  machine.floor.addRange(0x100_0000n, 0x200_0000n);
  return { machine, root: machine.floor.createEpt() };
}

interface Mapping {
  gpa: bigint;
  hpa: bigint;
  length: bigint;
}

function map(machine: FloorMachine, root: bigint, mapping: Mapping, largePages: number): number {
  return machine.floor.mapEpt(root, mapping.gpa, mapping.hpa, mapping.length, RWX, WRITE_BACK, largePages);
}

/** Checks that the leaves map exactly the mappings: nothing outside, nothing missing, nothing elsewhere. */
function expectExactly(leaves: Leaf[], mappings: Mapping[]): void {
  let mapped = 0n;
  for (const leaf of leaves) {
    const owner = mappings.find((one) => leaf.from >= one.gpa && leaf.from + leaf.size <= one.gpa + one.length);
    expect(owner, `leaf at 0x${leaf.from.toString(16)}`).toBeDefined();
    expect(leaf.to - leaf.from).toBe(owner!.hpa - owner!.gpa);
    expect(leaf.to % leaf.size).toBe(0n);
    expect(leaf.entry).toBe(leaf.to | ATTRIBUTES | (leaf.size === PAGE ? 0n : 0x80n));
    mapped += leaf.size;
  }
  expect(mapped).toBe(mappings.reduce((sum, one) => sum + one.length, 0n));
}

function sizes(leaves: Leaf[]): Map<bigint, number> {
  const counts = new Map<bigint, number>();
  for (const leaf of leaves) counts.set(leaf.size, (counts.get(leaf.size) ?? 0) + 1);
  return counts;
}

describe("mapping", () => {
  const odd: Mapping = { gpa: 0n, hpa: 0x1_4000_0000n, length: 2n * GIB + 3n * MIB2 + 5n * PAGE };

  test.each([
    [BOTH, { [String(GIB)]: 2, [String(MIB2)]: 3, [String(PAGE)]: 5 }],
    [ONLY_2M, { [String(MIB2)]: 1027, [String(PAGE)]: 5 }],
    [ONLY_1G, { [String(GIB)]: 2, [String(PAGE)]: 3 * 512 + 5 }],
  ])("large pages %d give the largest leaves that fit", (largePages, expected) => {
    const { machine, root } = start();
    expect(map(machine, root, odd, largePages)).toBe(status("Done"));
    const leaves = eptLeaves(machine.memory, root);
    expectExactly(leaves, [odd]);
    expect(Object.fromEntries([...sizes(leaves)].map(([size, count]) => [String(size), count]))).toEqual(expected);
  });

  test("without large pages all leaves are 4 KiB", () => {
    const { machine, root } = start();
    const mapping = { gpa: MIB2, hpa: 4n * MIB2, length: MIB2 + PAGE };
    expect(map(machine, root, mapping, NO_LARGE)).toBe(status("Done"));
    const leaves = eptLeaves(machine.memory, root);
    expectExactly(leaves, [mapping]);
    expect(leaves.length).toBe(513);
  });

  test("addresses that are not alike modulo the page size get smaller pages", () => {
    const { machine, root } = start();
    const mapping = { gpa: GIB, hpa: GIB + MIB2, length: GIB };
    expect(map(machine, root, mapping, BOTH)).toBe(status("Done"));
    const leaves = eptLeaves(machine.memory, root);
    expectExactly(leaves, [mapping]);
    expect(sizes(leaves)).toEqual(new Map([[MIB2, 512]]));
  });

  test("a start and an end inside large pages", () => {
    const { machine, root } = start();
    const mapping = { gpa: GIB - PAGE, hpa: 5n * GIB - PAGE, length: GIB + 2n * PAGE };
    expect(map(machine, root, mapping, BOTH)).toBe(status("Done"));
    const leaves = eptLeaves(machine.memory, root);
    expectExactly(leaves, [mapping]);
    expect(leaves.map((leaf) => leaf.size)).toEqual([PAGE, GIB, PAGE]);
  });

  test("low and high memory of one partition, several ranges", () => {
    const { machine, root } = start();
    const low = { gpa: 0n, hpa: 8n * GIB, length: 3n * GIB };
    const high = { gpa: 4n * GIB, hpa: 11n * GIB, length: GIB + MIB2 };
    expect(map(machine, root, low, BOTH)).toBe(status("Done"));
    expect(map(machine, root, high, BOTH)).toBe(status("Done"));
    expectExactly(eptLeaves(machine.memory, root), [low, high]);
  });

  test("rights and memory type stand in the leaf", () => {
    const { machine, root } = start();
    expect(machine.floor.mapEpt(root, 0n, PAGE, PAGE, 1, 0, BOTH)).toBe(status("Done"));
    expect(eptLeaves(machine.memory, root)[0]?.entry).toBe(PAGE | 1n);
  });
});

describe("refusals", () => {
  test("an address that is mapped already, by a small or by a large page", () => {
    const { machine, root } = start();
    expect(map(machine, root, { gpa: 0n, hpa: GIB, length: GIB }, BOTH)).toBe(status("Done"));
    expect(map(machine, root, { gpa: PAGE, hpa: 3n * GIB, length: PAGE }, BOTH)).toBe(status("AlreadyMapped"));
    expect(map(machine, root, { gpa: 2n * GIB, hpa: PAGE, length: PAGE }, BOTH)).toBe(status("Done"));
    expect(map(machine, root, { gpa: 2n * GIB, hpa: GIB, length: GIB }, BOTH)).toBe(status("AlreadyMapped"));
  });

  test("misaligned addresses and what lies beyond 48 bits", () => {
    const { machine, root } = start();
    expect(map(machine, root, { gpa: 1n, hpa: 0n, length: PAGE }, BOTH)).toBe(status("Misaligned"));
    expect(map(machine, root, { gpa: 0n, hpa: 0n, length: 5n }, BOTH)).toBe(status("Misaligned"));
    expect(map(machine, root, { gpa: 1n << 48n, hpa: 0n, length: PAGE }, BOTH)).toBe(status("Misaligned"));
    expect(map(machine, root, { gpa: (1n << 48n) - PAGE, hpa: 0n, length: 2n * PAGE }, BOTH)).toBe(status("Misaligned"));
    expect(eptLeaves(machine.memory, root)).toEqual([]);
  });

  test("no frame left", () => {
    const { machine, root } = start();
    machine.floor.clearRanges();
    expect(map(machine, root, { gpa: 0n, hpa: 0n, length: PAGE }, BOTH)).toBe(status("OutOfFrames"));
  });
});

describe("the seal", () => {
  const grants: Mapping[] = [
    { gpa: 0n, hpa: 8n * GIB, length: GIB + 3n * MIB2 + PAGE },
    { gpa: 4n * GIB, hpa: 12n * GIB, length: MIB2 },
  ];

  function check(machine: FloorMachine, root: bigint, granted: Mapping[]): boolean {
    machine.floor.clearGrants();
    for (const { gpa, hpa, length } of granted) machine.floor.addGrant(gpa, hpa, length, ATTRIBUTES);
    return machine.floor.checkTree(root, 4, 7n, 7n) !== 0;
  }

  function sealed(change: (machine: FloorMachine, root: bigint) => void = () => {}, granted = grants): { machine: FloorMachine; good: boolean } {
    const { machine, root } = start();
    for (const grant of grants) expect(map(machine, root, grant, BOTH)).toBe(status("Done"));
    change(machine, root);
    return { machine, good: check(machine, root, granted) };
  }

  /** Changes the entry for `gpa` at `level`, or the leaf above it. */
  function changeEntry(machine: FloorMachine, root: bigint, gpa: bigint, change: (entry: bigint) => bigint, level = 1n): void {
    let table = root;
    for (let current = 4n; ; current--) {
      const slot = Number(table + 8n * ((gpa >> (12n + 9n * (current - 1n))) & 511n));
      const entry = machine.memory.read(slot, 8);
      if (current === level || (entry & 0x80n) !== 0n || entry === 0n) {
        machine.memory.write(slot, 8, change(entry));
        return;
      }
      table = entry & 0x000f_ffff_ffff_f000n;
    }
  }

  const SMALL = GIB + 3n * MIB2;

  test("accepts the exact mapping", () => {
    expect(sealed().good).toBe(true);
  });

  test.each([
    ["a page that leads elsewhere", SMALL, (entry: bigint) => entry + PAGE],
    ["a page with another memory type", SMALL, (entry: bigint) => entry & ~0x38n],
    ["a page with a bit that nothing grants", SMALL, (entry: bigint) => entry | (1n << 60n)],
    ["a page with fewer rights", SMALL, (entry: bigint) => entry & ~2n],
    ["a large page that leads elsewhere", 0n, (entry: bigint) => entry + GIB],
    ["a large page with reserved address bits", 0n, (entry: bigint) => entry | PAGE],
    ["a page too many", SMALL + PAGE, () => 0x5000n | ATTRIBUTES],
    ["a page too many, writable alone", SMALL + PAGE, () => 0x5002n],
    ["a large page outside all grants", 3n * GIB, () => (16n * GIB) | ATTRIBUTES | 0x80n],
  ])("refuses %s", (_what, gpa, change) => {
    const { machine, good } = sealed((one, root) => changeEntry(one, root, gpa, change));
    expect(good).toBe(false);
    expect(unsigned(machine.floor.sealFailureAddress())).toBe(gpa);
  });

  test("refuses a page that is missing", () => {
    expect(sealed((machine, root) => changeEntry(machine, root, SMALL, () => 0n)).good).toBe(false);
  });

  test.each([
    ["fewer rights", 2n, (entry: bigint) => entry & ~2n],
    ["a bit that no table has", 3n, (entry: bigint) => entry | (1n << 10n)],
    ["the size of a leaf at the root", 4n, (entry: bigint) => entry | 0x80n],
    ["its table in memory beyond the reach", 2n, (entry: bigint) => entry | (16n * GIB)],
  ])("refuses a pointer with %s", (_what, level, change) => {
    expect(sealed((machine, root) => changeEntry(machine, root, SMALL, change, level)).good).toBe(false);
  });

  test("refuses a table in memory that has another use", () => {
    const { machine, root } = start();
    expect(map(machine, root, grants[0]!, BOTH)).toBe(status("Done"));
    expect(check(machine, root, [grants[0]!])).toBe(true);
    const table = machine.memory.read(Number(root), 8) & ~0xfffn;
    machine.floor.clearClaims();
    machine.floor.claim(table + 0x10_0000n, PAGE);
    expect(check(machine, root, [grants[0]!])).toBe(true);
    machine.floor.claim(table + 0x800n, 8n);
    expect(check(machine, root, [grants[0]!])).toBe(false);
  });

  test("refuses a mapping when the grant is smaller or gone", () => {
    expect(sealed(undefined, [grants[0]!]).good).toBe(false);
    expect(sealed(undefined, [{ ...grants[0]!, length: GIB }, grants[1]!]).good).toBe(false);
    expect(sealed(undefined, [...grants, { gpa: 6n * GIB, hpa: 0n, length: PAGE }]).good).toBe(false);
  });

  test("refuses what more grants ask for than it can list", () => {
    const { machine, root } = start();
    expect(check(machine, root, Array.from({ length: 257 }, (_, i) => ({ gpa: BigInt(i) * PAGE, hpa: 0n, length: PAGE })))).toBe(false);
    expect(machine.floor.grantsOverflowed()).not.toBe(0);
  });
});
