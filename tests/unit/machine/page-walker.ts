// Walks page tables and EPTs in simulated memory, written from the manual and not from the kernel.

import type { PhysicalMemory } from "./physical-memory.ts";

export interface Leaf {
  /** Virtual or guest-physical address. */
  from: bigint;
  to: bigint;
  size: bigint;
  entry: bigint;
}

const ADDRESS = 0x000f_ffff_ffff_f000n;
const LARGE = 1n << 7n;

/** All leaves of the tree at `root` in order; `present` tells whether an entry is in use. */
function leavesOf(memory: PhysicalMemory, root: bigint, present: (entry: bigint) => boolean): Leaf[] {
  const leaves: Leaf[] = [];
  const visit = (table: bigint, base: bigint, level: number): void => {
    const size = 1n << BigInt(12 + 9 * (level - 1));
    for (let index = 0n; index < 512n; index++) {
      const entry = memory.read(Number(table + 8n * index), 8);
      if (!present(entry)) continue;
      const from = base + index * size;
      if (level === 1 || ((entry & LARGE) !== 0n && level <= 3)) leaves.push({ from, to: entry & ADDRESS & ~(size - 1n), size, entry });
      else visit(entry & ADDRESS, from, level - 1);
    }
  };
  visit(root, 0n, 4);
  return leaves;
}

export function pagingLeaves(memory: PhysicalMemory, pml4: bigint): Leaf[] {
  const canonical = (address: bigint): bigint => (address >> 47n ? address | 0xffff_0000_0000_0000n : address);
  return leavesOf(memory, pml4, (entry) => (entry & 1n) !== 0n).map((leaf) => ({ ...leaf, from: canonical(leaf.from) }));
}

export function eptLeaves(memory: PhysicalMemory, root: bigint): Leaf[] {
  return leavesOf(memory, root, (entry) => (entry & 7n) !== 0n);
}

/** The leaf that maps `address`. */
export function leafAt(leaves: Leaf[], address: bigint): Leaf | undefined {
  return leaves.find((leaf) => address >= leaf.from && address < leaf.from + leaf.size);
}
