// Memory that firmware lets functions reach by DMA from the start: RMRR, VT-d 4.1 8.4.
//
// Oddities of real firmware (see unit.ts for the tables looked at):
// - base and limit both 0: a record never filled in (HP Compaq 6730b). It grants nothing, so it is passed over.
// - one range in several records, each with functions of its own: one range with all the scopes.
// - limit one too high (base + size), limit below base, half a page, ranges that overlap in part: refused. What was meant is a guess, and a
//   wrong guess lets a function write to memory that is not its own.

import { load16, load64 } from "../../../../kernel/memory/physical";
import { isAddressable } from "./header";
import { Rmrr, Structure } from "./layout";
import { addRecord, MAXIMUM_STRUCTURES, recordAt, RecordKind, reservedMemoryBase, reservedMemoryCount, reservedMemoryLimit } from "./records";
import { parseScopes } from "./scopes";
import { refuse } from "./status";

const PAGE_SIZE: u64 = 4096;

/** Reads the RMRR of `length` bytes at `offset`. */
export function parseReservedMemory(table: u64, offset: u32, length: u32): bool {
  const structure = table + offset;
  const base = load64(structure + Rmrr.Base);
  const limit = load64(structure + Rmrr.Limit);
  if (base == 0 && limit == 0) return true;
  if (!checkRange(offset, base, limit)) return false;
  const segment: u32 = load16(structure + Structure.Segment);
  let index = findEqual(base, segment);
  if (index == MAXIMUM_STRUCTURES) {
    if (!addRecord(offset, RecordKind.ReservedMemory, base, limit, segment, 0)) return false;
    index = reservedMemoryCount() - 1;
  }
  return parseScopes(table, offset + Rmrr.Scopes, offset + length, RecordKind.ReservedMemory, index);
}

/** Whether the range can be mapped and equals each range that it overlaps. */
function checkRange(offset: u32, base: u64, limit: u64): bool {
  if (limit < base) return refuse(offset, "reserved memory ends before it starts");
  if (base % PAGE_SIZE != 0 || (limit + 1) % PAGE_SIZE != 0) return refuse(offset, "reserved memory is not made of whole pages");
  if (!isAddressable(limit)) return refuse(offset, "reserved memory lies beyond the host address width");
  for (let i: u32 = 0; i < reservedMemoryCount(); i++) {
    if (base > reservedMemoryLimit(i) || limit < reservedMemoryBase(i)) continue;
    const isEqual = base == reservedMemoryBase(i) && limit == reservedMemoryLimit(i);
    if (!isEqual) return refuse(offset, "two ranges of reserved memory overlap without being equal");
  }
  return true;
}

/** Index of the same range in the same segment, MAXIMUM_STRUCTURES if there is none; checkRange() compared the limits. */
function findEqual(base: u64, segment: u32): u32 {
  for (let i: u32 = 0; i < reservedMemoryCount(); i++) {
    if (reservedMemoryBase(i) == base && recordAt(RecordKind.ReservedMemory, i).segment == segment) return i;
  }
  return MAXIMUM_STRUCTURES;
}
