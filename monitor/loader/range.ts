// Range checks that no operand can make overflow.

/** True if [start, start + length) lies in [0, limit). */
export function fits(start: u64, length: u64, limit: u64): bool {
  return start <= limit && length <= limit - start;
}

/** `alignment` is a power of two. */
export function alignDown(address: u64, alignment: u64): u64 {
  return address & ~(alignment - 1);
}

/** `alignment` is a power of two, and `address` not in the last such piece of the address space. */
export function alignUp(address: u64, alignment: u64): u64 {
  return alignDown(address + alignment - 1, alignment);
}
