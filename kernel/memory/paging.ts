// Entries of the page tables that a core runs on after the start (SDM 3A 4.5): nothing is writable and executable, nothing is for user mode.

/** Rights and memory type of a mapping; all are readable. */
export const enum Mapping {
  ReadOnly = 0,
  Writable = 1 << 0,
  Executable = 1 << 1,
  /** Device registers: UC by PAT entry 3 in its state after reset, SDM 3A 11.12.4. */
  Uncached = 1 << 2,
}

// Bits of a page-table entry, SDM 3A table 4-20.
export const PRESENT: u64 = 1 << 0;
const WRITABLE: u64 = 1 << 1;
const WRITE_THROUGH: u64 = 1 << 3; // PWT
const CACHE_DISABLE: u64 = 1 << 4; // PCD
const ACCESSED: u64 = 1 << 5;
const DIRTY: u64 = 1 << 6;
const EXECUTE_DISABLE: u64 = 1 << 63; // XD

/** An entry that leads to a table, without the table's address. */
export const TABLE_ENTRY: u64 = PRESENT | WRITABLE | ACCESSED;

/** A leaf without its address. Accessed and dirty are set beforehand, so that the processor never writes to tables. */
export function leafBits(mapping: u32): u64 {
  let bits = PRESENT | ACCESSED;
  if (mapping & Mapping.Writable) bits |= WRITABLE | DIRTY;
  if (!(mapping & Mapping.Executable)) bits |= EXECUTE_DISABLE;
  if (mapping & Mapping.Uncached) bits |= CACHE_DISABLE | WRITE_THROUGH;
  return bits;
}
