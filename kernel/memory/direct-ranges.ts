// Physical memory that a core reaches through phys, on the list of what its tables map.

import { addGrant } from "../seal/grants";
import { DIRECT_BASE, PAGE_SIZE } from "./layout";
import { leafBits } from "./paging";

/** Adds all pages that hold a byte of [base, base + length), unless the list has the first of them already; see Mapping. */
export function addDirectRange(base: u64, length: u64, mapping: u32): void {
  if (length == 0) return;
  const first = base & ~(PAGE_SIZE - 1);
  addGrant(DIRECT_BASE + first, first, ((base + length + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1)) - first, leafBits(mapping));
}
