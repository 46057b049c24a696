// What a remapping unit sees in tables of simulated memory: a naive model, written from the manual and not from the kernel.

import type { PhysicalMemory } from "./physical-memory.ts";

/** Device page number to host page number * 4 + rights (bit 0 read, bit 1 write). */
export type PageMap = Map<number, number>;

const ENTRIES = 512;
const POINTER = 0x000f_ffff_ffff_f000n;
const LARGE = 1n << 7n;

function readTable(memory: PhysicalMemory, address: bigint, words: number): bigint[] {
  const bytes = memory.readBytes(Number(address), words * 8);
  return Array.from({ length: words }, (_, i) => bytes.readBigUInt64LE(8 * i));
}

/** Every page that a device reaches through tables of `levels` levels; rights are what all levels allow. */
export function mappedPages(memory: PhysicalMemory, root: bigint, levels: number): PageMap {
  const pages: PageMap = new Map();
  const visit = (table: bigint, first: number, level: number, allowed: number): void => {
    const pagesOfEntry = ENTRIES ** (level - 1);
    readTable(memory, table, ENTRIES).forEach((entry, index) => {
      const rights = Number(entry & 3n) & allowed;
      if (rights === 0) return;
      const page = first + index * pagesOfEntry;
      const target = Number((entry & POINTER) >> 12n);
      const isLarge = level > 1 && (entry & LARGE) !== 0n;
      if (level > 1 && !isLarge) return visit(entry & POINTER, page, level - 1, rights);
      // A reserved bit: the unit reports a fault and does not translate.
      if (isLarge && (level > 3 || target % pagesOfEntry !== 0)) return;
      for (let i = 0; i < pagesOfEntry; i++) pages.set(page + i, (target + i) * 4 + rights);
    });
  };
  visit(root, 0, levels, 3);
  return pages;
}

/** Tables of the tree, the root first. */
export function tableFrames(memory: PhysicalMemory, root: bigint, levels: number): bigint[] {
  if (levels === 1) return [root];
  const pointers = readTable(memory, root, ENTRIES).filter((entry) => (entry & 3n) !== 0n && (entry & LARGE) === 0n);
  return [root, ...pointers.flatMap((entry) => tableFrames(memory, entry & POINTER, levels - 1))];
}

export function samePages(left: PageMap, right: PageMap): boolean {
  if (left.size !== right.size) return false;
  for (const [page, value] of left) if (right.get(page) !== value) return false;
  return true;
}

/** What the unit makes of each source id whose DMA is not simply blocked, as text, by source id. */
export function sourceViews(memory: PhysicalMemory, rootTable: bigint, isScalable: boolean): Map<number, string> {
  const views = new Map<number, string>();
  const rootEntries = readTable(memory, rootTable, ENTRIES);
  const wordsOfEntry = isScalable ? 4 : 2;
  rootEntries.forEach((pointer, half) => {
    if ((pointer & 1n) === 0n || (!isScalable && half % 2 === 1)) return;
    const words = readTable(memory, pointer & POINTER, ENTRIES);
    for (let i = 0; i * wordsOfEntry < ENTRIES; i++) {
      const entry = words.slice(i * wordsOfEntry, (i + 1) * wordsOfEntry);
      if ((entry[0]! & 1n) === 0n) continue;
      views.set(half * 128 + i, isScalable ? scalableView(memory, entry) : legacyView(entry));
    }
  });
  return views;
}

function legacyView([low = 0n, high = 0n]: bigint[]): string {
  return `translation ${(low >> 2n) & 3n} root ${(low >> 12n).toString(16)} width ${high & 7n} domain ${(high >> 8n) & 0xffffn} hidden ${(low >> 1n) & 1n}`;
}

/** All that requests with and without a PASID find. */
function scalableView(memory: PhysicalMemory, [low = 0n, high = 0n]: bigint[]): string {
  const directoryEntries = 128 << Number((low >> 9n) & 7n);
  const pasids = readTable(memory, low & POINTER, Math.min(directoryEntries, ENTRIES)).flatMap((pointer, i) => {
    if ((pointer & 1n) === 0n) return [];
    return [`${i}: hidden ${(pointer >> 1n) & 1n} ${pasidViews(memory, pointer & POINTER)}`];
  });
  return `flags ${(low & 0x1en).toString(16)} pasid ${high & 0x1f_ffffn} of ${directoryEntries}: ${pasids.join("; ")}`;
}

function pasidViews(memory: PhysicalMemory, table: bigint): string {
  const words = readTable(memory, table, ENTRIES);
  const entries = Array.from({ length: 64 }, (_, i) => words.slice(8 * i, 8 * i + 3));
  return entries
    .flatMap(([low = 0n, high = 0n, first = 0n], i) => ((low & 1n) === 0n ? [] : [`${i} ${low.toString(16)} ${high.toString(16)} ${first.toString(16)}`]))
    .join(", ");
}

/** What the unit makes of each present interrupt entry, by index. */
export function interruptViews(memory: PhysicalMemory, table: bigint, entries: number): Map<number, string> {
  const words = readTable(memory, table, entries * 2);
  const views = new Map<number, string>();
  for (let index = 0; index < entries; index++) {
    const [low = 0n, high = 0n] = words.slice(2 * index, 2 * index + 2);
    if ((low & 1n) === 0n) continue;
    const source = `source ${(high & 0xf_ffffn).toString(16)} hidden ${(low >> 1n) & 1n} vector ${(low >> 16n) & 0xffn}`;
    const isPosted = ((low >> 15n) & 1n) === 1n;
    const descriptor = ((low >> 32n) & 0xffff_ffc0n) | (high & 0xffff_ffff_0000_0000n);
    const how = isPosted
      ? `posted to ${descriptor.toString(16)} urgent ${(low >> 14n) & 1n}`
      : `to ${(low >> 32n).toString(16)} mode ${((low >> 2n) & 0x3fn).toString(16)}`;
    views.set(index, `${source} ${how}`);
  }
  return views;
}
