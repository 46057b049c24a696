// Memory that firmware lets functions reach by DMA from the start: RMRR, VT-d 4.1 8.4.
//
// Oddities of real firmware (see unit.ts for the tables looked at):
// - base and limit both 0: a record never filled in (HP Compaq 6730b). It grants nothing, so it is passed over.
// - one range in several records, each with functions of its own: one range with all the scopes.
// - limit one too high (base + size), limit below base, half a page, ranges that overlap in part: refused. What was meant is a guess, and a
//   wrong guess lets a function write to memory that is not its own.

import { load16, load64 } from "../../../kernel/memory/physical";
import { isAddressable } from "./header";
import { Rmrr, Structure } from "./layout";
import {
  addReservedMemory, MAXIMUM_STRUCTURES, reservedMemoryBase, reservedMemoryCount, reservedMemoryLimit, reservedMemorySegment, ScopeOwner,
} from "./records";
import { parseScopes } from "./scopes";
import { DmarStatus, refuse } from "./status";

const PAGE_SIZE: u64 = 4096;

/** Reads the RMRR of `length` bytes at `offset`. */
export function parseReservedMemory(table: u64, offset: u32, length: u32): DmarStatus {
  const structure = table + offset;
  const base = load64(structure + Rmrr.Base);
  const limit = load64(structure + Rmrr.Limit);
  if (base == 0 && limit == 0) return DmarStatus.Done;
  const status = checkRange(base, limit);
  if (status != DmarStatus.Done) return refuse(offset, status);
  const segment: u32 = load16(structure + Structure.Segment);
  let index = findEqual(base, segment);
  if (index == MAXIMUM_STRUCTURES) {
    if (!addReservedMemory(base, limit, segment)) return refuse(offset, DmarStatus.TooManyReservedMemories);
    index = reservedMemoryCount() - 1;
  }
  return parseScopes(table, offset + Rmrr.Scopes, offset + length, ScopeOwner.ReservedMemory, index);
}

/** Done if the range can be mapped and equals each range that it overlaps. */
function checkRange(base: u64, limit: u64): DmarStatus {
  if (limit < base) return DmarStatus.ReservedMemoryLimit;
  if (base % PAGE_SIZE != 0 || (limit + 1) % PAGE_SIZE != 0) return DmarStatus.ReservedMemoryUnaligned;
  if (!isAddressable(limit)) return DmarStatus.ReservedMemoryBeyondWidth;
  for (let i: u32 = 0; i < reservedMemoryCount(); i++) {
    if (base > reservedMemoryLimit(i) || limit < reservedMemoryBase(i)) continue;
    if (base != reservedMemoryBase(i) || limit != reservedMemoryLimit(i)) return DmarStatus.ReservedMemoryOverlap;
  }
  return DmarStatus.Done;
}

/** Index of the same range in the same segment, MAXIMUM_STRUCTURES if there is none; checkRange() compared the limits. */
function findEqual(base: u64, segment: u32): u32 {
  for (let i: u32 = 0; i < reservedMemoryCount(); i++) {
    if (reservedMemoryBase(i) == base && reservedMemorySegment(i) == segment) return i;
  }
  return MAXIMUM_STRUCTURES;
}
