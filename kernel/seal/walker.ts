// Walks a tree, page tables (SDM 3A 4.5), EPT (SDM 3C 28.3.2) or second-level tables (VT-d 4.1 3.7), from its root: every entry must be what the list of
// grants says, nothing more and nothing less, and no table may lie where anybody writes. Shares nothing with the builders but the list.

import { BOOT_DIRECT_END, PAGE_SIZE } from "../memory/layout";
import { load64 } from "../memory/physical";
import { isClaimed } from "./claims";
import { grantAt, grantCount, grantsOverflowed } from "./grants";

/** Where the walk is in the table that it has reached at a level. */
@unmanaged
class Place {
  table: u64;
  /** Guest-physical or virtual address of the table's first entry, without the bits above the tree's. */
  base: u64;
  /** Index of the next entry. */
  next: u64;
}
const PLACE_SIZE: u32 = 24;

const MINIMUM_LEVELS: u32 = 3;
const MAXIMUM_LEVELS: u32 = 5;
/** A leaf of 1 GiB. */
const LEAF_LEVELS: u32 = 3;
const ENTRIES: u64 = 512;
const INDEX_BITS: u32 = 9;
const PAGE_SHIFT: u32 = 12;
const LARGE_LEAF: u64 = 1 << 7;
const FRAME: u64 = 0x000ffffffffff000;

const places: usize = memory.data(120, 8); // MAXIMUM_LEVELS * PLACE_SIZE

let failedAddress: u64 = 0;
/** Bits of an address that the levels translate. */
let addressMask: u64 = 0;
/** Index of the grant that held the last leaf: the next one is most often in it too. */
let last: u32 = 0;

/** Guest-physical address, or virtual one without its upper bits, or device address, at which checkTree() failed. */
export function sealFailureAddress(): u64 { return failedAddress; }

/** Whether the tree of `levels` levels at `root` maps the list exactly. One bit of `present` is set in each entry in use, `pointer` are the bits of one that leads to a table. */
export function checkTree(root: u64, levels: u32, present: u64, pointer: u64): bool {
  failedAddress = 0;
  last = 0;
  addressMask = (<u64>1 << (PAGE_SHIFT + INDEX_BITS * levels)) - 1;
  if (grantsOverflowed() || levels < MINIMUM_LEVELS || levels > MAXIMUM_LEVELS || !enterTable(levels, root, 0)) return false;
  let mapped: u64 = 0;
  for (let level = levels; level <= levels;) {
    const place = placeAt(level);
    if (place.next == ENTRIES) {
      level++;
      continue;
    }
    const shift = PAGE_SHIFT + INDEX_BITS * (level - 1);
    const entry = load64(place.table + (place.next << 3));
    const address = place.base + (place.next++ << shift);
    if ((entry & present) == 0) continue;
    failedAddress = address;
    if (level == 1 || (level <= LEAF_LEVELS && (entry & LARGE_LEAF) != 0)) {
      if (!isListed(address, <u64>1 << shift, level == 1 ? entry : entry & ~LARGE_LEAF)) return false;
      mapped += <u64>1 << shift;
    } else if ((entry & ~FRAME) != pointer || !enterTable(--level, entry & FRAME, address)) {
      return false;
    }
  }
  // Every leaf lies in a grant and no address has two leaves, so equal sizes mean that nothing is missing.
  return mapped == listedBytes();
}

function placeAt(level: u32): Place { return changetype<Place>(places + (level - 1) * PLACE_SIZE); }

/** False if the table lies out of reach, or in memory that has another use. */
function enterTable(level: u32, table: u64, base: u64): bool {
  const place = placeAt(level);
  place.table = table;
  place.base = base;
  place.next = 0;
  return (table & ~FRAME) == 0 && table < BOOT_DIRECT_END && !isClaimed(table, table + PAGE_SIZE);
}

/** Whether one grant holds the whole leaf and asks for just this entry. */
function isListed(address: u64, size: u64, entry: u64): bool {
  for (let tries: u32 = grantCount(); tries > 0; tries--) {
    const grant = grantAt(last);
    const offset = address - (grant.from & addressMask);
    if (offset < grant.length && grant.length - offset >= size) {
      return entry == ((grant.to + offset) | grant.attributes) && (entry & FRAME & (size - 1)) == 0;
    }
    last = last + 1 == grantCount() ? 0 : last + 1;
  }
  return false;
}

function listedBytes(): u64 {
  let bytes: u64 = 0;
  for (let i: u32 = 0; i < grantCount(); i++) bytes += grantAt(i).length;
  return bytes;
}
