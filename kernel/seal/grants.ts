// What a tree of tables maps, exactly: the list that the planner builds by, and that the seal compares the tables with.

/** One range; addresses and length are multiples of 4 KiB. */
@unmanaged
export class Grant {
  /** Guest-physical or virtual address. */
  from: u64;
  /** Host-physical address. */
  to: u64;
  /** Bytes. */
  length: u64;
  /** All bits of each leaf but the address, and PS. */
  attributes: u64;
}
const GRANT_SIZE: usize = 32;
const MAXIMUM_GRANTS: u32 = 256;
const grants: usize = memory.data(8192, 8); // MAXIMUM_GRANTS * GRANT_SIZE

let count: u32 = 0;
let overflowed: bool = false;

export function clearGrants(): void {
  count = 0;
  overflowed = false;
}

export function grantAt(index: u32): Grant { return changetype<Grant>(grants + <usize>index * GRANT_SIZE); }
export function grantCount(): u32 { return count; }
/** True if a range did not fit. */
export function grantsOverflowed(): bool { return overflowed; }

/** Adds a range that is not empty, unless the list has one from the same address on. */
export function addGrant(from: u64, to: u64, length: u64, attributes: u64): void {
  if (length == 0) return;
  for (let i: u32 = 0; i < count; i++) {
    if (grantAt(i).from == from) return;
  }
  if (count == MAXIMUM_GRANTS) {
    overflowed = true;
    return;
  }
  const grant = grantAt(count);
  grant.from = from;
  grant.to = to;
  grant.length = length;
  grant.attributes = attributes;
  count++;
}
