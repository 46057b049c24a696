// Second-level tables of a partition, VT-d 4.1 3.7 and 9.8: what its devices reach by DMA, and nothing else.

import { createTree, MapStatus, mapTree, TreeFormat, unmapTree } from "../memory/page-tree";
import { flushCache } from "../../kernel/memory/physical";
import { PAGE_SIZE } from "../../kernel/memory/layout";
import { addressWidth, canSnoop, mustFlush, tableLargePages, tableLevels } from "./shape";

/** Rights of a leaf, bits 1:0. */
export const enum DmaRight {
  Read = 1 << 0,
  Write = 1 << 1,
  All = 3,
}

/** Each access through the leaf snoops the caches; reserved where ECAP.SC is 0. */
export const SNOOP: u64 = 1 << 11;

const LEVEL_BITS: u64 = 9;
const PAGE_SHIFT: u64 = 12;

const format: TreeFormat = changetype<TreeFormat>(memory.data(40, 8));

/** An empty table: the physical address of its root, 0 if no frame is left. */
export function createSecondLevel(): u64 {
  const root = createTree();
  if (root != 0 && mustFlush()) flushCache(root, PAGE_SIZE);
  return root;
}

/** Maps `length` bytes of device addresses at `from` to host-physical memory at `to`; `rights` is a mask of DmaRight. */
export function mapSecondLevel(root: u64, from: u64, to: u64, length: u64, rights: u32): MapStatus {
  return mapSecondLevelWith(root, from, to, length, rights, tableLargePages());
}

/** The same with leaves no larger than `largePages` (LargePage) allows. */
export function mapSecondLevelWith(root: u64, from: u64, to: u64, length: u64, rights: u32, largePages: u32): MapStatus {
  if (!fits(from, length)) return MapStatus.Misaligned;
  useFormat(largePages & tableLargePages());
  return mapTree(root, format, from, to, length, leafAttributes(rights));
}

/** Takes a range out; the units must then forget it (invalidateTlbPages). */
export function unmapSecondLevel(root: u64, from: u64, length: u64): MapStatus {
  if (!fits(from, length)) return MapStatus.Misaligned;
  useFormat(tableLargePages());
  return unmapTree(root, format, from, length);
}

/** Bits of a leaf beside its address. */
export function leafAttributes(rights: u32): u64 {
  return <u64>(rights & DmaRight.All) | (canSnoop() ? SNOOP : 0);
}

function fits(from: u64, length: u64): bool {
  const limit = <u64>1 << addressWidth();
  return from < limit && length <= limit - from;
}

function useFormat(largePages: u32): void {
  format.presentMask = DmaRight.All;
  format.tableBits = DmaRight.All;
  format.largePages = largePages;
  format.rootShift = PAGE_SHIFT + LEVEL_BITS * <u64>(tableLevels() - 1);
  format.flush = mustFlush() ? 1 : 0;
}
