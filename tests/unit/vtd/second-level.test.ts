// Random layouts: what the kernel builds, what a naive model finds in the tables, what the operations should give and what
// the walker says agree on every page. WALKER_SEED=number repeats or varies a run.

import { beforeAll, describe, expect, test } from "vitest";
import { mappedPages, type PageMap, samePages, tableFrames } from "../machine/remapping-walker.ts";
import { Random } from "../monitor/decoder/native/random.ts";
import { compileWalker, GIB, type Grant, mapStatus, MIB2, PAGE, WalkerMachine } from "./walker-machine.ts";

const SEED = BigInt(process.env["WALKER_SEED"] ?? "20240611");
const LAYOUTS = Array.from({ length: 12 }, (_, i) => ({ seed: SEED * 1000n + BigInt(i) + 1n, levels: 3 + (i % 3), largePages: Math.floor(i / 3) % 4 }));
const CORRUPTIONS = 24;
/** Fewer where the model holds hundreds of thousands of pages. */
const CORRUPTIONS_OF_LARGE = 4;
/** Most bits change nothing; the test goes on until one has. */
const MAXIMUM_CORRUPTIONS = 200;
const LARGE_MODEL = 100_000;

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileWalker();
}, 120_000);

interface Piece {
  from: bigint;
  to: bigint;
  length: bigint;
  rights: number;
}

class Layout {
  readonly machine = new WalkerMachine(module);
  readonly random: Random;
  readonly root: bigint;
  readonly attributes: bigint;
  /** What the operations so far should have given. */
  readonly expected: PageMap = new Map();
  readonly statuses = new Map<number, number>();

  constructor(seed: bigint, readonly levels: number, private readonly largePages: number) {
    this.random = new Random(seed);
    const snoop = this.random.below(2) === 1;
    this.machine.useUnit(levels, largePages, { snoop, coherent: this.random.below(2) === 1 });
    this.root = this.machine.walker.createSecondLevel();
    this.attributes = snoop ? 0x800n : 0n;
  }

  /** Ranges that often touch or overlap: they crowd around a few borders. */
  randomPiece(): Piece {
    const { random } = this;
    const mayBeHuge = this.largePages >= 2 && this.expected.size < LARGE_MODEL && random.below(12) === 0;
    const unit = mayBeHuge ? GIB : random.pick([PAGE, PAGE, MIB2]);
    const width = 1n << BigInt(this.levels * 9 + 12);
    const border = random.pick([0n, GIB, 3n * GIB, width - 2n * GIB, width]) + (random.below(2) === 0 ? 0n : MIB2);
    const offset = unit * BigInt(random.below(6) - 3) + (random.below(3) === 0 ? PAGE * BigInt(random.below(512)) : 0n);
    const from = border + offset < 0n ? 0n : border + offset;
    const whole = unit === GIB ? 1n : BigInt(1 + random.below(3));
    const length = unit === PAGE ? PAGE * BigInt(1 + random.below(40)) : unit * whole + PAGE * BigInt(random.below(3) * random.below(8));
    const shift = random.pick([0n, 0n, PAGE, MIB2]);
    const to = GIB * BigInt(8 + random.below(1000)) + (from % GIB) + (unit === GIB ? 0n : shift);
    return { from, to, length, rights: 1 + random.below(3) };
  }

  actual(): PageMap {
    return mappedPages(this.machine.memory, this.root, this.levels);
  }

  map(piece: Piece, largePages: number): void {
    const { walker } = this.machine;
    const status = walker.mapSecondLevelWith(this.root, piece.from, piece.to, piece.length, piece.rights, largePages);
    const pages = pagesOf(piece);
    const isBeyond = piece.from + piece.length > 1n << BigInt(this.levels * 9 + 12);
    const isTaken = pages.some(([page]) => this.expected.has(page));
    expect(status).toBe(mapStatus(isBeyond ? "Misaligned" : isTaken ? "AlreadyMapped" : "Done"));
    this.count(status);
    if (isBeyond) return;
    // What was mapped before the first conflict stays: a beginning of the range and nothing else.
    const conflict = pages.findIndex(([page]) => this.expected.has(page));
    const actual = isTaken ? this.actual() : undefined;
    for (const [page, value] of isTaken ? pages.slice(0, conflict) : pages) {
      if (actual !== undefined && !actual.has(page)) break;
      this.expected.set(page, value);
    }
  }

  unmap(from: bigint, length: bigint): void {
    const status = this.machine.walker.unmapSecondLevel(this.root, from, length);
    const pages = pagesOf({ from, to: 0n, length, rights: 3 }).map(([page]) => page);
    const isWhole = pages.every((page) => this.expected.has(page));
    const isBeyond = from + length > 1n << BigInt(this.levels * 9 + 12);
    // A leaf that reaches beyond the range stays, so that a range of mapped pages may be refused as well.
    if (isWhole && status === mapStatus("NotMapped")) expect(this.largePages).toBeGreaterThan(0);
    else expect(status).toBe(mapStatus(isBeyond ? "Misaligned" : isWhole ? "Done" : "NotMapped"));
    this.count(status);
    if (isBeyond) return;
    const actual = status === mapStatus("Done") ? undefined : this.actual();
    for (const page of pages) {
      if (actual?.has(page) === true || !this.expected.has(page)) break;
      this.expected.delete(page);
    }
  }

  /** The model, the tables and the walker say the same. */
  check(): void {
    expect(samePages(this.actual(), this.expected)).toBe(true);
    expect(this.isJust(grantsOf(this.expected, this.attributes))).toBe(true);
  }

  /** What the walker says. */
  isJust(grants: Grant[]): boolean {
    return this.machine.maps(this.root, this.levels, grants);
  }

  private count(status: number): void {
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
  }
}

function pagesOf(piece: Piece): [number, number][] {
  const first = Number(piece.from / PAGE);
  const target = Number(piece.to / PAGE);
  return Array.from({ length: Number(piece.length / PAGE) }, (_, i) => [first + i, (target + i) * 4 + piece.rights]);
}

/** The fewest grants that give these pages. */
function grantsOf(pages: PageMap, attributes: bigint): Grant[] {
  const grants: Grant[] = [];
  let next = -1;
  let nextValue = -1;
  for (const page of [...pages.keys()].sort((a, b) => a - b)) {
    const value = pages.get(page)!;
    if (page === next && value === nextValue) grants.at(-1)!.length += PAGE;
    else grants.push({ from: BigInt(page) * PAGE, to: BigInt(Math.floor(value / 4)) * PAGE, length: PAGE, attributes: BigInt(value % 4) | attributes });
    next = page + 1;
    nextValue = value + 4;
  }
  return grants;
}

/** A layout after random maps, unmaps and maps again, checked after each kind. */
function randomLayout(seed: bigint, levels: number, largePages: number): Layout {
  const layout = new Layout(seed, levels, largePages);
  const { random } = layout;
  for (let i = 0; i < 8; i++) layout.map(layout.randomPiece(), largePages);
  layout.check();
  for (let i = 0; i < 6; i++) {
    const grants = grantsOf(layout.expected, 0n);
    if (grants.length === 0) break;
    const grant = random.pick(grants);
    const skipped = random.below(2) === 0 ? 0n : PAGE * BigInt(random.below(Number(grant.length / PAGE)));
    const rest = grant.length - skipped;
    layout.unmap(grant.from + skipped, random.below(3) === 0 ? rest : random.below(8) === 0 ? rest + PAGE : PAGE * BigInt(1 + random.below(Number(rest / PAGE))));
  }
  layout.check();
  for (let i = 0; i < 3; i++) {
    const piece = layout.randomPiece();
    layout.map({ ...piece, length: piece.length > 64n * PAGE ? 64n * PAGE : piece.length }, 0);
  }
  layout.check();
  return layout;
}

describe.each(LAYOUTS)("layout of seed $seed, $levels levels, large pages $largePages", ({ seed, levels, largePages }) => {
  let layout: Layout;
  beforeAll(() => {
    layout = randomLayout(seed, levels, largePages);
  });

  test("operations went well and badly, and the tables hold something", () => {
    expect(layout.statuses.get(mapStatus("Done"))).toBeGreaterThan(0);
    expect(layout.expected.size).toBeGreaterThan(0);
  });

  test("one grant more, less or other is refused", () => {
    const { random } = layout;
    const grants = grantsOf(layout.expected, layout.attributes);
    const index = random.below(grants.length);
    const grant = grants[index]!;
    const others = grants.filter((_, i) => i !== index);
    const unused = { from: 5n * GIB, to: 7n * GIB, length: PAGE, attributes: 3n };
    expect(layout.isJust(others)).toBe(false);
    expect(layout.isJust([...grants, unused])).toBe(false);
    expect(layout.isJust([...others, { ...grant, to: grant.to + PAGE }])).toBe(false);
    expect(layout.isJust([...others, { ...grant, attributes: grant.attributes ^ 4n ^ 1n ^ 2n }])).toBe(false);
    expect(layout.isJust([...others, { ...grant, attributes: grant.attributes ^ 0x800n }])).toBe(false);
  });

  test("a flipped bit that changes what is mapped is refused", () => {
    const { machine, random } = layout;
    const grants = grantsOf(layout.expected, layout.attributes);
    const frames = tableFrames(machine.memory, layout.root, levels);
    let changes = 0;
    const corruptions = layout.expected.size > LARGE_MODEL ? CORRUPTIONS_OF_LARGE : CORRUPTIONS;
    for (let i = 0; i < corruptions || (changes === 0 && i < MAXIMUM_CORRUPTIONS); i++) {
      const slot = random.pick(frames) + 8n * BigInt(random.below(512));
      const used = usedSlot(layout, frames) ?? slot;
      const at = random.below(4) === 0 ? slot : used;
      const before = machine.read(at);
      machine.write(at, before ^ (1n << BigInt(random.below(64))));
      const isSame = samePages(mappedPages(machine.memory, layout.root, levels), layout.expected);
      if (!isSame) changes++;
      const isJust = layout.isJust(grants);
      if (!isSame) expect(isJust, `slot 0x${at.toString(16)}: 0x${before.toString(16)} to 0x${machine.read(at).toString(16)}`).toBe(false);
      machine.write(at, before);
    }
    expect(changes).toBeGreaterThan(0);
    expect(layout.isJust(grants)).toBe(true);
  });
});

/** An entry of one of the tables that is not 0, found from a random place on. */
function usedSlot(layout: Layout, frames: bigint[]): bigint | undefined {
  const frame = layout.random.pick(frames);
  const first = layout.random.below(512);
  for (let i = 0; i < 512; i++) {
    const slot = frame + 8n * BigInt((first + i) % 512);
    if (layout.machine.read(slot) !== 0n) return slot;
  }
  return undefined;
}
