// Walks a tree of four levels, page tables (SDM 3A 4.5) or EPT (SDM 3C 28.3.2), from its root: every entry must be what the list of
// grants says, nothing more and nothing less, and no table may lie where anybody writes. Shares nothing with the builders but the list.

import { BOOT_DIRECT_END, PAGE_SIZE } from "../memory/layout";
import { load64 } from "../memory/physical";
import { isClaimed } from "./claims";
import { grantAt, grantCount, grantsOverflowed } from "./grants";

/** Where the walk is in the table that it has reached at a level. */
@unmanaged
class Place {
  table: u64;
  /** Guest-physical or virtual address of the table's first entry, bits 47:0. */
  base: u64;
  /** Index of the next entry. */
  next: u64;
}
const PLACE_SIZE: u32 = 24;

const LEVELS: u32 = 4;
const ENTRIES: u64 = 512;
const INDEX_BITS: u32 = 9;
const PAGE_SHIFT: u32 = 12;
const ADDRESS_MASK: u64 = 0xffffffffffff;
const LARGE_LEAF: u64 = 1 << 7;
const FRAME: u64 = 0x000ffffffffff000;

const places: usize = memory.data(96, 8); // LEVELS * PLACE_SIZE

let failedAddress: u64 = 0;
/** Index of the grant that held the last leaf: the next one is most often in it too. */
let last: u32 = 0;

/** Guest-physical address, or virtual one without the bits above 47, at which checkTree() failed. */
export function sealFailureAddress(): u64 { return failedAddress; }

/** Whether the tree at `root` maps the list exactly. One bit of `present` is set in each entry in use, `pointer` are the bits of one that leads to a table. */
export function checkTree(root: u64, present: u64, pointer: u64): bool {
  failedAddress = 0;
  last = 0;
  if (grantsOverflowed() || !enterTable(LEVELS, root, 0)) return false;
  let mapped: u64 = 0;
  for (let level = LEVELS; level <= LEVELS;) {
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
    if (level == 1 || (level < LEVELS && (entry & LARGE_LEAF) != 0)) {
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
    const offset = address - (grant.from & ADDRESS_MASK);
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
