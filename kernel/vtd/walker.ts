// The seal of DMA: before translation goes on this code, which shares nothing with the builders, walks a partition's
// second-level tables (VT-d 4.1 3.7 and 9.8) and checks each entry against what was granted.

import { load64 } from "../memory/physical";
import { checkFrames, touches } from "./walker-frame";
import { TABLE_EXPOSED, UNEXPECTED_BIT, WRONG_RIGHTS, failWalk } from "./walker-failure";

/** What a partition's devices may reach. */
@unmanaged
export class SecondLevelGrant {
  /** First device address. */
  from: u64;
  /** Host-physical address of it. */
  to: u64;
  /** Bytes. */
  length: u64;
  /** R and W, bits 1:0, and SNP, bit 11, as in each leaf. */
  attributes: u64;
}
export const SECOND_LEVEL_GRANT_SIZE: usize = 32;

/** Where the walk stands at one level. */
@unmanaged
class Position {
  table: u64;
  /** Device address of its first entry. */
  base: u64;
  /** Next entry to look at. */
  index: u64;
}
const POSITION_SIZE: usize = 24;

const ENTRIES: u64 = 512;
const LEVELS_MINIMUM: u32 = 3;
const LEVELS_MAXIMUM: u32 = 5;
/** Highest level at which a leaf may lie: 1 GiB. */
const LEAF_LEVEL_MAXIMUM: u32 = 3;
const PAGE: u64 = 4096;

const RIGHTS: u64 = 3; // R, W
const PS: u64 = 1 << 7;
const SNP: u64 = 1 << 11;
const ADDRESS: u64 = 0x000ffffffffff000;

/** Tables that map nothing granted: unmapping leaves them, but so many mean that entries lead in circles. */
const MAXIMUM_SPARE_TABLES: u32 = 1024;

const positions: usize = memory.data(144, 8); // one for each level, from 1

let grantList: usize = 0;
let grantCount: u32 = 0;
let protectedList: usize = 0;
let protectedTotal: u32 = 0;
let largeLeaves: u32 = 3;
let spareTables: u32 = 0;
let leaves: u64 = 0;
let bytes: u64 = 0;

/** Leaves that the last walk met. */
export function walkLeaves(): u64 { return leaves; }

/** Bytes that they map. */
export function walkBytes(): u64 { return bytes; }

/** Leaves that every unit knows beside 4 KiB: bit 0 2 MiB, bit 1 1 GiB, as in CAP.SLLPS. */
export function limitLeaves(allowed: u32): void { largeLeaves = allowed; }

/**
 * Checks that the tables of `levels` levels at `root` map exactly the `count` SecondLevelGrant records at `grants`, whose
 * device addresses do not overlap, and nothing of the `protectedCount` Protected records at `protectedRanges`.
 */
export function checkSecondLevel(
  root: u64, levels: u32, grants: usize, count: u32, protectedRanges: usize, protectedCount: u32,
): bool {
  grantList = grants;
  grantCount = count;
  protectedList = protectedRanges;
  protectedTotal = protectedCount;
  spareTables = 0;
  leaves = 0;
  bytes = 0;
  if (levels < LEVELS_MINIMUM || levels > LEVELS_MAXIMUM) return failWalk("second-level tables of neither 3 nor 4 nor 5 levels", 0, levels);
  if ((root & ~ADDRESS) != 0) return failWalk(UNEXPECTED_BIT, 0, root);
  if (!checkTable(root, 0, root) || !walk(root, levels)) return false;
  // Every leaf lies in a grant and no address has two leaves, so equal sizes mean that nothing is missing.
  const granted = grantedBytes();
  return bytes == granted || failWalk("granted memory is not mapped", 0, granted - bytes);
}

function walk(root: u64, levels: u32): bool {
  enter(levels, root, 0);
  let level = levels;
  while (true) {
    const position = positionAt(level);
    if (position.index == ENTRIES) {
      if (level == levels) return true;
      level++;
      continue;
    }
    const entry = load64(position.table + (position.index << 3));
    const address = position.base + (position.index << shiftOf(level));
    position.index++;
    if ((entry & RIGHTS) == 0) continue;
    const isLeaf = level == 1 || (level <= LEAF_LEVEL_MAXIMUM && (entry & PS) != 0);
    if (isLeaf ? !checkLeaf(address, level, entry) : !checkPointer(address, level, entry)) return false;
    if (isLeaf) continue;
    level--;
    enter(level, entry & ADDRESS, address);
  }
}

function shiftOf(level: u32): u64 {
  return 3 + 9 * <u64>level;
}

function positionAt(level: u32): Position {
  return changetype<Position>(positions + <usize>level * POSITION_SIZE);
}

function enter(level: u32, table: u64, base: u64): void {
  const position = positionAt(level);
  position.table = table;
  position.base = base;
  position.index = 0;
}

/** An entry that leads to a table allows all, so that the leaves alone decide. */
function checkPointer(address: u64, level: u32, entry: u64): bool {
  if ((entry & RIGHTS) != RIGHTS) return failWalk(WRONG_RIGHTS, address, entry);
  if ((entry & ~(ADDRESS | RIGHTS)) != 0) return failWalk(UNEXPECTED_BIT, address, entry);
  if (!isUsed(address, <u64>1 << shiftOf(level))) {
    spareTables++;
    if (spareTables > MAXIMUM_SPARE_TABLES) return failWalk("too many tables map nothing", address, entry);
  }
  return checkTable(entry & ADDRESS, address, entry);
}

/** The devices must not reach the table itself. */
function checkTable(table: u64, address: u64, entry: u64): bool {
  for (let i: u32 = 0; i < grantCount; i++) {
    const grant = grantAt(i);
    if (table < grant.to + grant.length && table + PAGE > grant.to) return failWalk(TABLE_EXPOSED, address, entry);
  }
  return checkFrames(table, 1, address, entry);
}

function checkLeaf(address: u64, level: u32, entry: u64): bool {
  const size = <u64>1 << shiftOf(level);
  const target = entry & ADDRESS;
  leaves++;
  bytes += size;
  // Bit 0 of the mask stands for level 2, bit 1 for level 3.
  if (level > 1 && (largeLeaves & (1 << (level - 2))) == 0) return failWalk("a leaf has a size that a unit does not know", address, entry);
  if ((target & (size - 1)) != 0) return failWalk(UNEXPECTED_BIT, address, entry);
  if (touches(target, size, protectedList, protectedTotal)) return failWalk("a leaf leads to memory that no device may reach", address, entry);
  for (let i: u32 = 0; i < grantCount; i++) {
    const grant = grantAt(i);
    if (grant.from > address || address - grant.from >= grant.length) continue;
    if (grant.length - (address - grant.from) < size) continue;
    return compareLeaf(grant, address, level, entry);
  }
  return failWalk("a leaf maps addresses that no grant holds", address, entry);
}

function compareLeaf(grant: SecondLevelGrant, address: u64, level: u32, entry: u64): bool {
  if ((entry & ADDRESS) != grant.to + (address - grant.from)) return failWalk("a leaf leads elsewhere than granted", address, entry);
  if ((entry & RIGHTS) != (grant.attributes & RIGHTS)) return failWalk(WRONG_RIGHTS, address, entry);
  const others = (grant.attributes & SNP) | (level == 1 ? 0 : PS);
  return (entry & ~(ADDRESS | RIGHTS)) == others || failWalk(UNEXPECTED_BIT, address, entry);
}

function grantAt(index: u32): SecondLevelGrant {
  return changetype<SecondLevelGrant>(grantList + <usize>index * SECOND_LEVEL_GRANT_SIZE);
}

/** Whether a grant has a byte in the range of device addresses. */
function isUsed(base: u64, length: u64): bool {
  for (let i: u32 = 0; i < grantCount; i++) {
    const grant = grantAt(i);
    if (grant.from + grant.length > base && base + length > grant.from) return true;
  }
  return false;
}

function grantedBytes(): u64 {
  let sum: u64 = 0;
  for (let i: u32 = 0; i < grantCount; i++) sum += grantAt(i).length;
  return sum;
}
