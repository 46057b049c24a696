// Building the tables of the list of grants: a core's own, which its list describes with leafBits().

import { Grant, grantAt, grantCount } from "../../kernel/seal/grants";
import { createTree, MapStatus, mapTree, ROOT_SHIFT_4_LEVELS, TreeFormat } from "./page-tree";
import { PRESENT, TABLE_ENTRY } from "../../kernel/memory/paging";

export { LargePage, MapStatus } from "./page-tree";

const format: TreeFormat = changetype<TreeFormat>(memory.data(40, 8));

/** An empty set of tables: the physical address of its PML4, 0 if no frame is left. */
export function createTables(): u64 { return createTree(); }

/** Maps `length` bytes with leaves of these attributes; see LargePage. */
export function mapRange(pml4: u64, virtual: u64, physical: u64, length: u64, attributes: u64, largePages: u32): MapStatus {
  format.rootShift = ROOT_SHIFT_4_LEVELS;
  format.presentMask = PRESENT;
  format.tableBits = TABLE_ENTRY;
  format.largePages = largePages;
  return mapTree(pml4, format, virtual, physical, length, attributes);
}

/** Maps the list of grants into the empty tables at `pml4`; stops at the first failure. */
export function buildCoreTables(pml4: u64, largePages: u32): MapStatus {
  for (let i: u32 = 0; i < grantCount(); i++) {
    const grant: Grant = grantAt(i);
    const status = mapRange(pml4, grant.from, grant.to, grant.length, grant.attributes, largePages);
    if (status != MapStatus.Done) return status;
  }
  return MapStatus.Done;
}
