// The builder of second-level tables and the walker of the seal on a simulated machine, for tests.

import { compileEntry } from "../machine/compile.ts";
import { Machine, type MachineOptions } from "../machine/machine.ts";
import { enumReader } from "../machine/source-enums.ts";

/** Exports of tests/fixtures/walker/entry.ts: u64 is a bigint (signed), u32 a number, bool 0 or 1. */
export interface WalkerExports {
  clearRanges(): void;
  addRange(base: bigint, end: bigint): void;
  useUnit(registers: bigint): number;
  createSecondLevel(): bigint;
  mapSecondLevelWith(root: bigint, from: bigint, to: bigint, length: bigint, rights: number, largePages: number): number;
  unmapSecondLevel(root: bigint, from: bigint, length: bigint): number;
  clearGrants(): void;
  addGrant(from: bigint, to: bigint, length: bigint, attributes: bigint): void;
  checkTree(root: bigint, levels: number, present: bigint, pointer: bigint): number;
}

export const mapStatus = enumReader("planner/memory/page-tree.ts", "MapStatus");

export const PAGE = 0x1000n;
export const MIB2 = 0x20_0000n;
export const GIB = 0x4000_0000n;

export interface Grant {
  from: bigint;
  to: bigint;
  length: bigint;
  attributes: bigint;
}

export interface Range {
  base: bigint;
  end: bigint;
}

/** ECAP.C and ECAP.SC. */
export interface UnitFeatures {
  coherent?: boolean;
  snoop?: boolean;
}

function flag(isSet: boolean, bit: bigint): bigint {
  return isSet ? 1n << bit : 0n;
}

/** Where the frames for tables come from. */
export const FRAMES: Range = { base: 0x100_0000n, end: 0x800_0000n };

/** R and W: one is set in each entry in use, both in one that leads to a table. */
const RIGHTS = 3n;
const REGISTERS = 0xfed9_0000n;

export function compileWalker(): Promise<WebAssembly.Module> {
  return compileEntry("tests/fixtures/walker/entry.ts");
}

export class WalkerMachine extends Machine {
  readonly walker: WalkerExports;

  constructor(module: WebAssembly.Module, options: MachineOptions = {}) {
    super(options);
    this.walker = this.instantiate<WalkerExports>(module);
    this.walker.clearRanges();
    this.walker.addRange(FRAMES.base, FRAMES.end);
  }

  /** Makes the builder use tables of `levels` levels; `largePages` as in CAP.SLLPS. */
  useUnit(levels: number, largePages = 3, features: UnitFeatures = {}): void {
    const width = BigInt(levels * 9 + 12);
    const { coherent = false, snoop = false } = features;
    const capability = (1n << BigInt(8 + levels - 2)) | ((width - 1n) << 16n) | (BigInt(largePages) << 34n);
    const extended = flag(coherent, 0n) | flag(snoop, 7n);
    this.write(REGISTERS + 8n, capability);
    this.write(REGISTERS + 16n, extended);
    if (this.walker.useUnit(REGISTERS) !== levels) throw new Error("the builder chose another number of levels");
  }

  /** Whether the tables map exactly the grants. */
  maps(root: bigint, levels: number, grants: Grant[]): boolean {
    this.walker.clearGrants();
    for (const { from, to, length, attributes } of grants) this.walker.addGrant(from, to, length, attributes);
    return this.walker.checkTree(root, levels, RIGHTS, RIGHTS) === 1;
  }

  read(address: bigint): bigint {
    return this.memory.read(Number(address), 8);
  }

  write(address: bigint, value: bigint): void {
    this.memory.write(Number(address), 8, value);
  }
}
