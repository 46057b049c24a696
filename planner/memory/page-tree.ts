// Trees of 512 entries a level, the shape that x86-64 paging (SDM 3A 4.5), EPT (SDM 3C 28.3.2) and the second-level
// tables of VT-d (VT-d 4.1 3.7) share: a leaf lies at level 1 (4 KiB), or with bit 7 set at level 2 (2 MiB) or 3 (1 GiB).

import { allocate } from "./frames";
import { PAGE_SIZE } from "../../kernel/memory/layout";
import { flushCache, load64, store64 } from "../../kernel/memory/physical";

export const enum MapStatus {
  Done = 0,
  /** An address or the length is not a multiple of 4 KiB, or an address is beyond the tree. */
  Misaligned = 1,
  /** Something is mapped there already. */
  AlreadyMapped = 2,
  /** No frame is left for a table. */
  OutOfFrames = 3,
  /** Nothing is mapped there, or a leaf reaches beyond the range. */
  NotMapped = 5,
}

/** Leaves larger than 4 KiB that the processor allows. */
export const enum LargePage {
  None = 0,
  TwoMegabytes = 1 << 0,
  OneGigabyte = 1 << 1,
  All = 3,
}

/** Bit 7 of an entry at level 2 or 3: it is a leaf (PS). */
export const LARGE_LEAF: u64 = 1 << 7;
export const ENTRY_ADDRESS: u64 = 0x000ffffffffff000;

const LEVEL_BITS: u64 = 9;
const ENTRIES: u64 = 512;
const INDEX_MASK: u64 = 511;
const SHIFT_4K: u64 = 12;
const SHIFT_2M: u64 = 21;
const SHIFT_1G: u64 = 30;
/** Index of the root of a tree of four levels: address bits 47:39. */
export const ROOT_SHIFT_4_LEVELS: u64 = 39;

let refusal: MapStatus = MapStatus.Done;

/** What tells the kinds of tree apart. */
@unmanaged
export class TreeFormat {
  /** Bits of which one is set in every entry that is in use. */
  presentMask: u64;
  /** Bits of an entry that points to a table. */
  tableBits: u64;
  /** LargePage mask. */
  largePages: u64;
  /** Lowest address bit that indexes the root: 30, 39 or 48 for three, four or five levels. */
  rootShift: u64;
  /** 1: who walks the tree does not snoop the caches, so that each entry is flushed to memory. */
  flush: u64;
}

/** An empty tree: the physical address of its root, 0 if no frame is left. */
export function createTree(): u64 { return allocate(1, 1); }

/** log2 of the largest leaf that starts at both addresses and is not longer than `length`. */
function leafShift(addresses: u64, length: u64, largePages: u64): u64 {
  const gigabyte: u64 = (<u64>1 << SHIFT_1G) - 1;
  const megabytes: u64 = (<u64>1 << SHIFT_2M) - 1;
  if ((largePages & LargePage.OneGigabyte) != 0 && (addresses & gigabyte) == 0 && length > gigabyte) return SHIFT_1G;
  if ((largePages & LargePage.TwoMegabytes) != 0 && (addresses & megabytes) == 0 && length > megabytes) return SHIFT_2M;
  return SHIFT_4K;
}

/** Maps `length` bytes at `from` to `to` with leaves of `leafBits`. Stops at the first failure; what was mapped stays. */
export function mapTree(root: u64, format: TreeFormat, from: u64, to: u64, length: u64, leafBits: u64): MapStatus {
  if (((from | to | length) & (PAGE_SIZE - 1)) != 0) return MapStatus.Misaligned;
  if ((to & ~ENTRY_ADDRESS) != 0 || length > ENTRY_ADDRESS - to) return MapStatus.Misaligned;
  let mapped: u64 = 0;
  while (mapped < length) {
    const shift = leafShift((from + mapped) | (to + mapped), length - mapped, format.largePages);
    const count = min((length - mapped) >> shift, entriesToEnd(from + mapped, shift));
    const status = mapRun(root, format, from + mapped, (to + mapped) | leafBits, shift, count);
    if (status != MapStatus.Done) return status;
    mapped += count << shift;
  }
  return MapStatus.Done;
}

/** Entries from that of `address` to the end of its table. A larger leaf can begin only where a table does. */
function entriesToEnd(address: u64, shift: u64): u64 { return ENTRIES - ((address >> shift) & INDEX_MASK); }

/** Writes `count` leaves of one table, the first of which is `leaf`. */
function mapRun(root: u64, format: TreeFormat, from: u64, leaf: u64, shift: u64, count: u64): MapStatus {
  const table = makeTable(root, format, from, shift);
  if (table == 0) return refusal;
  const first = slotOf(table, from, shift);
  const large = shift == SHIFT_4K ? 0 : LARGE_LEAF;
  let written: u64 = 0;
  for (; written < count; written++) {
    const slot = first + (written << 3);
    if ((load64(slot) & format.presentMask) != 0) break;
    store64(slot, (leaf + (written << shift)) | large);
  }
  if (format.flush != 0 && written != 0) flushCache(first, written << 3);
  return written == count ? MapStatus.Done : MapStatus.AlreadyMapped;
}

/** The table with the entry of `from` for leaves of `shift`, made if need be; 0 if there is none, and `refusal` says why. */
function makeTable(root: u64, format: TreeFormat, from: u64, shift: u64): u64 {
  let table = root;
  for (let level = format.rootShift; level > shift; level -= LEVEL_BITS) {
    const slot = slotOf(table, from, level);
    let entry = load64(slot);
    if ((entry & format.presentMask) == 0) {
      const frame = allocate(1, 1);
      if (frame == 0) return refuse(MapStatus.OutOfFrames);
      if (format.flush != 0) flushCache(frame, PAGE_SIZE);
      entry = frame | format.tableBits;
      store64(slot, entry);
      if (format.flush != 0) flushCache(slot, 8);
    } else if ((entry & LARGE_LEAF) != 0) {
      return refuse(MapStatus.AlreadyMapped);
    }
    table = entry & ENTRY_ADDRESS;
  }
  return table;
}

function refuse(status: MapStatus): u64 {
  refusal = status;
  return 0;
}

/**
 * Takes `length` bytes at `from` out of the tree, whole leaves only; the tables stay. Stops at the first failure; what was
 * taken out stays out. Who cached the entries must be told to forget them.
 */
export function unmapTree(root: u64, format: TreeFormat, from: u64, length: u64): MapStatus {
  if (((from | length) & (PAGE_SIZE - 1)) != 0) return MapStatus.Misaligned;
  let done: u64 = 0;
  while (done < length) {
    const size = unmapRun(root, format, from + done, length - done);
    if (size == 0) return MapStatus.NotMapped;
    done += size;
  }
  return MapStatus.Done;
}

/** Bytes taken out of the table that holds the leaf at `from`; 0 if none starts there that is not longer than `limit`. */
function unmapRun(root: u64, format: TreeFormat, from: u64, limit: u64): u64 {
  let table = root;
  let level = format.rootShift;
  for (; ; level -= LEVEL_BITS) {
    const entry = load64(slotOf(table, from, level));
    if ((entry & format.presentMask) == 0) return 0;
    if (level == SHIFT_4K || (entry & LARGE_LEAF) != 0) break;
    table = entry & ENTRY_ADDRESS;
  }
  if ((from & ((<u64>1 << level) - 1)) != 0) return 0;
  const first = slotOf(table, from, level);
  const count = min(limit >> level, entriesToEnd(from, level));
  let cleared: u64 = 0;
  for (; cleared < count; cleared++) {
    const slot = first + (cleared << 3);
    const entry = load64(slot);
    if ((entry & format.presentMask) == 0 || (level != SHIFT_4K && (entry & LARGE_LEAF) == 0)) break;
    store64(slot, 0);
  }
  if (format.flush != 0 && cleared != 0) flushCache(first, cleared << 3);
  return cleared << level;
}

@inline
function slotOf(table: u64, address: u64, shift: u64): u64 { return table + (((address >> shift) & INDEX_MASK) << 3); }
