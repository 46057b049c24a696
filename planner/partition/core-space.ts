// The page tables of each core, which map what its partition and the kernel on it need (kernel/seal/core-map.ts).

import { FatalReason, fatal, fatalWith } from "../../kernel/boot/fatal";
import { LargePage, MapStatus, buildCoreTables, createTables } from "../memory/core-tables";
import { describeCore } from "../../kernel/seal/core-map";
import { grantsOverflowed } from "../../kernel/seal/grants";

/** Builds the tables of core `core` around its frames and returns the address of their PML4. */
export function buildSpace(core: u32): u64 {
  describeCore(core);
  if (grantsOverflowed()) fatal(FatalReason.PageTables);
  const pml4 = createTables();
  if (pml4 == 0) fatal(FatalReason.OutOfFrames);
  const status = buildCoreTables(pml4, LargePage.TwoMegabytes);
  if (status != MapStatus.Done) fatalWith(FatalReason.PageTables, "status", status);
  return pml4;
}
