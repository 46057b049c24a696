// A list of configuration registers with their values, to write them back after a reset.

import { pageRead16, pageRead32, pageWrite16, pageWrite32 } from "./config-page";

const CAPACITY: u32 = 48;

@unmanaged
class SavedRegister {
  offset: u16;
  /** Bytes: 2 or 4. */
  width: u16;
  value: u32;
}
const SAVED_SIZE: usize = 8;

const list: usize = memory.data(384, 8); // CAPACITY * SAVED_SIZE
let count: u32 = 0;

function savedAt(index: u32): SavedRegister {
  return changetype<SavedRegister>(list + <usize>index * SAVED_SIZE);
}

export function clearList(): void {
  count = 0;
}

/** Reads a u16 register into the list. */
export function save16(page: u64, offset: u32): void {
  save(offset, 2, pageRead16(page, offset));
}

/** Reads a u32 register into the list. */
export function save32(page: u64, offset: u32): void {
  save(offset, 4, pageRead32(page, offset));
}

function save(offset: u32, width: u16, value: u32): void {
  if (count == CAPACITY) return;
  const saved = savedAt(count++);
  saved.offset = <u16>offset;
  saved.width = width;
  saved.value = value;
}

/** Writes all registers back, in the order in which they were saved. */
export function restoreList(page: u64): void {
  for (let i: u32 = 0; i < count; i++) {
    const saved = savedAt(i);
    if (saved.width == 2) pageWrite16(page, saved.offset, saved.value);
    else pageWrite32(page, saved.offset, saved.value);
  }
}
