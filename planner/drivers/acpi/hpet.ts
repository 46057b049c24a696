// HPET description table (IA-PC HPET 1.0a, section 3.2.4).

import { load8, load64 } from "../../../kernel/memory/physical";
import { findTable, tableLength } from "./tables";

export const HPET: u32 = 0x54455048; // "HPET"

/** Generic address structure of the register block. */
const SPACE: u32 = 40; // u8
const ADDRESS: u32 = 44; // u64
const NUMBER: u32 = 52; // u8
const SPACE_SYSTEM_MEMORY: u8 = 0;

/** Physical address of the HPET registers, 0 if there is no HPET. */
export function hpetAddress(): u64 {
  const table = findTable(HPET);
  if (table == 0 || tableLength(table) < ADDRESS + 8) return 0;
  return load8(table + SPACE) == SPACE_SYSTEM_MEMORY ? load64(table + ADDRESS) : 0;
}

/** HPET Number, by which the DMAR table names the HPET at hpetAddress(); 0 if there is none. */
export function hpetNumber(): u32 {
  const table = findTable(HPET);
  return table == 0 || tableLength(table) <= NUMBER ? 0 : load8(table + NUMBER);
}
