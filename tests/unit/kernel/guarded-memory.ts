// Physical memory as one core reaches it through its page tables: an access to what they do not map throws, as the page fault
// does on hardware.

import type { Leaf } from "../machine/page-walker.ts";
import { addressOf, type PhysicalMemory } from "../machine/physical-memory.ts";

const DIRECT_BASE = 0xffff_8000_0000_0000n;
const PAGE = 4096;
const WRITABLE = 1n << 1n;

type Imports = Record<string, (...parameters: never[]) => unknown>;
type Access = [address: bigint, length: number, isWrite: boolean];

/** What a call of the `phys` import `name` touches. */
function accessesOf(name: string, parameters: (bigint | number)[]): Access[] {
  const [first = 0n, second = 0n, third = 0n] = parameters.map(BigInt);
  const size = Number(/\d+$/.exec(name)?.[0] ?? 0) / 8;
  if (name.startsWith("load")) return [[first, size, false]];
  if (name.startsWith("store") || name.startsWith("compareExchange")) return [[first, size, true]];
  switch (name) {
    case "clear": return [[first, Number(second), true]];
    case "flushCache": return [[first, Number(second), false]];
    case "copy": return [[first, Number(third), true], [second, Number(third), false]];
    default: throw new Error(`unknown import phys.${name}`);
  }
}

/** The same memory for the kernel on one core; `leaves` gives the core's tables, undefined while it may reach everything. */
export function guardedMemory(memory: PhysicalMemory, leaves: () => Leaf[] | undefined): PhysicalMemory {
  const pages = new Map<number, boolean>();
  const check = (address: number, isWrite: boolean): void => {
    const tables = leaves();
    if (tables === undefined) return;
    if (pages.size === 0) for (const leaf of tables) addPages(pages, leaf);
    const isWritable = pages.get(Math.floor(address / PAGE));
    if (isWritable === undefined || (isWrite && !isWritable)) {
      throw new RangeError(`page fault: ${isWrite ? "write to" : "read of"} physical address 0x${address.toString(16)}`);
    }
  };
  const view = Object.create(memory) as PhysicalMemory;
  const plain = memory.imports() as Record<string, (...parameters: (bigint | number)[]) => unknown>;
  const guard = (name: string) => (...parameters: (bigint | number)[]): unknown => {
    for (const [address, length, isWrite] of accessesOf(name, parameters)) {
      for (let done = 0; done < length; done += PAGE) check(addressOf(address) + done, isWrite);
    }
    return plain[name]!(...parameters);
  };
  view.imports = () => Object.fromEntries(Object.keys(plain).map((name) => [name, guard(name)])) as Imports;
  return view;
}

function addPages(pages: Map<number, boolean>, { from, to, size, entry }: Leaf): void {
  if (from !== DIRECT_BASE + to) return;
  for (let offset = 0; offset < Number(size); offset += PAGE) pages.set((Number(to) + offset) / PAGE, (entry & WRITABLE) !== 0n);
}
