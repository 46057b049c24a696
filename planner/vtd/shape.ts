// The form of the second-level tables that every unit of the machine understands, so that one table a partition serves all.

import { LargePage } from "../memory/page-tree";
import { ECAP_C, ECAP_SC, adjustedWidths, maximumGuestWidth, secondLevelLargePages } from "../../kernel/vtd/register";
import { unitAt, unitCount } from "../../kernel/vtd/unit";

/** Levels in the order of preference: four is what most parts have, and what is tested most. */
const PREFERRED_LEVELS: u32 = 4;
const LEVELS_MINIMUM: u32 = 3;
const LEVELS_MAXIMUM: u32 = 5;

let levels: u32 = 0;
let width: u32 = 0;
let largePages: u32 = 0;
let flush: bool = false;
let snoop: bool = false;

/** Finds the common form; 0 levels if the units have none. `scalable`: the tables are reached through PASID tables. */
export function chooseShape(scalable: bool): u32 {
  let widths: u32 = 0x1f;
  width = 64;
  largePages = LargePage.All;
  // Coherency in scalable mode is a matter of each PASID-table entry (PWSNP); flushing is right in either case.
  flush = scalable;
  snoop = !scalable;
  for (let i: u32 = 0; i < unitCount(); i++) {
    const unit = unitAt(i);
    widths &= adjustedWidths(unit.capability);
    width = min(width, maximumGuestWidth(unit.capability));
    largePages &= secondLevelLargePages(unit.capability);
    if ((unit.extended & ECAP_C) == 0) flush = true;
    if ((unit.extended & ECAP_SC) == 0) snoop = false;
  }
  levels = preferredLevels(widths);
  width = min(width, levels * 9 + 12);
  return levels;
}

/** `widths`: SAGAW, whose bit n stands for n + 2 levels. */
function preferredLevels(widths: u32): u32 {
  if (widths & (1 << (PREFERRED_LEVELS - 2))) return PREFERRED_LEVELS;
  if (widths & (1 << (LEVELS_MAXIMUM - 2))) return LEVELS_MAXIMUM;
  return widths & (1 << (LEVELS_MINIMUM - 2)) ? LEVELS_MINIMUM : 0;
}

export function tableLevels(): u32 { return levels; }
/** Bits of the largest address that a device may use. */
export function addressWidth(): u32 { return width; }
/** LargePage mask. */
export function tableLargePages(): u32 { return largePages; }
/** Some unit does not snoop the caches as it walks tables, so that each entry is flushed. */
export function mustFlush(): bool { return flush; }
/** All units can be made to snoop the caches for each DMA (SNP). */
export function canSnoop(): bool { return snoop; }
