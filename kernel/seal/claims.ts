// Physical memory and I/O ports that the plan gives a use: each has one. What the planner chose twice, or over the kernel, is refused.

import { FatalReason, fatalWith } from "../boot/fatal";
import { BOOT_DIRECT_END, PAGE_SIZE } from "../memory/layout";

@unmanaged
class Claim {
  base: u64;
  /** First byte after it. */
  end: u64;
}
const CLAIM_SIZE: usize = 16;
/** End of all physical addresses, SDM 3A 4.1.4. */
const ADDRESS_LIMIT: u64 = 1 << 52;
const PORTS: u64 = 0x10000;
const MAXIMUM_CLAIMS: u32 = 2048;
const claims: usize = memory.data(32768, 8); // MAXIMUM_CLAIMS * CLAIM_SIZE
let count: u32 = 0;

function claimAt(index: u32): Claim { return changetype<Claim>(claims + <usize>index * CLAIM_SIZE); }

export function clearClaims(): void { count = 0; }

/** Stops the boot: the plan says what cannot be, in `what`. */
export function refusePlan(what: string, value: u64): void { fatalWith(FatalReason.SealPlan, what, value); }

/** Claims the pages that hold `length` bytes from `base` on. */
export function claim(base: u64, length: u64): void {
  if (length == 0) return;
  const first = base & ~(PAGE_SIZE - 1);
  const end = (base + length + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
  if (length > ADDRESS_LIMIT || end <= first || end > ADDRESS_LIMIT) return refusePlan("memory that cannot be", base);
  add(first, end, "memory with two uses");
}

/** Claims I/O ports; they stand behind all memory, a byte each. */
export function claimPorts(first: u64, length: u64): void {
  if (first > PORTS || length > PORTS - first) return refusePlan("ports that cannot be", first);
  add(ADDRESS_LIMIT + first, ADDRESS_LIMIT + first + length, "ports with two uses");
}

function add(base: u64, end: u64, twice: string): void {
  if (count == MAXIMUM_CLAIMS) return refusePlan("ranges", count);
  if (isClaimed(base, end)) return refusePlan(twice, base % ADDRESS_LIMIT);
  const next = claimAt(count);
  next.base = base;
  next.end = end;
  count++;
}

/** Claims frames of the planner's choosing. */
export function claimFrames(base: u64, pages: u64): void {
  if (base == 0 || (base & (PAGE_SIZE - 1)) != 0 || base >= BOOT_DIRECT_END || pages > (BOOT_DIRECT_END - base) / PAGE_SIZE) refusePlan("no frame", base);
  claim(base, pages * PAGE_SIZE);
}

/** Whether a byte of [base, end) is claimed. */
export function isClaimed(base: u64, end: u64): bool {
  for (let i: u32 = 0; i < count; i++) {
    if (base < claimAt(i).end && end > claimAt(i).base) return true;
  }
  return false;
}
