// Physical memory as core 0 reaches it once its tables are sealed: an access to what they do not map throws, as the page fault does
// on hardware. Counts accesses, so that an exit's work can be bounded.

import type { Leaf } from "../unit/machine/page-walker.ts";
import { PhysicalMemory } from "../unit/machine/physical-memory.ts";

const DIRECT_BASE = 0xffff_8000_0000_0000n;
const PAGE = 4096;
const WRITABLE = 1n << 1n;
/** Rights of a page. */
const READ = 1;
const WRITE = 2;

type Import = (first: bigint | number, second: bigint | number, third: bigint | number) => unknown;

export class GuardedMemory extends PhysicalMemory {
  /** Accesses by the kernel. */
  accesses = 0;
  private readonly rights = new Map<number, number>();

  /** From now on the kernel reaches what these tables map. */
  seal(leaves: readonly Leaf[]): void {
    for (const { from, to, size, entry } of leaves) {
      if (from !== DIRECT_BASE + to) continue;
      for (let offset = 0; offset < Number(size); offset += PAGE) this.rights.set((Number(to) + offset) / PAGE, READ | (entry & WRITABLE ? WRITE : 0));
    }
  }

  override imports(): Record<string, (...parameters: never[]) => unknown> {
    const plain = super.imports() as Record<string, Import>;
    const guarded = Object.entries(plain).map(([name, body]) => [name, this.guard(name, body)] as const);
    return Object.fromEntries(guarded) as Record<string, (...parameters: never[]) => unknown>;
  }

  /** The same memory for another core, which is not guarded. */
  unguarded(): PhysicalMemory {
    const view = Object.create(this) as PhysicalMemory;
    view.imports = () => super.imports();
    return view;
  }

  private guard(name: string, body: Import): Import {
    const size = Number(/\d+$/.exec(name)?.[0] ?? 0) / 8;
    const right = name.startsWith("load") || name === "flushCache" ? READ : WRITE;
    if (name === "copy") {
      return (destination, source, length) => {
        this.require(Number(destination), Number(length), WRITE);
        this.require(Number(source), Number(length), READ);
        return body(destination, source, length);
      };
    }
    return (at, second, third) => {
      this.require(Number(BigInt.asUintN(64, at as bigint)), size === 0 ? Number(second) : size, right);
      return body(at, second, third);
    };
  }

  private require(address: number, length: number, right: number): void {
    this.accesses++;
    if (this.rights.size === 0) return;
    for (let page = Math.floor(address / PAGE); page * PAGE < address + length; page++) {
      if (((this.rights.get(page) ?? 0) & right) !== 0) continue;
      throw new RangeError(`page fault of the kernel: ${right === WRITE ? "write to" : "read of"} physical address 0x${address.toString(16)}, ${length} bytes`);
    }
  }
}
