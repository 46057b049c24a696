// The DMA interface of the firmware configuration device (QEMU docs/specs/fw_cfg, "Guest-side DMA Interface"): a control structure in
// the guest's memory, all of it big-endian, says what to copy where. What is copied stays in the partition's own memory: the floor
// bounds each access, and a range that is not all RAM is an error.

import { clear, load32, load64, store32, store8 } from "../../imports";
import { itemByte } from "./items";

const enum Control { Error = 1 << 0, Read = 1 << 1, Skip = 1 << 2, Select = 1 << 3, Write = 1 << 4 }
const KEY_SHIFT: u32 = 16;

/** The structure: control, length, address. */
const enum Access { Control = 0, Length = 4, Address = 8 }

/** No item is as long; a longer transfer is refused, so that a call of the monitor ends soon. */
const MAXIMUM_LENGTH: u32 = 0x10000;

let key: u32 = 0;
let offset: u32 = 0;

export function selectItem(wanted: u32): void {
  key = wanted;
  offset = 0;
}

/** The next byte of the selected item. */
export function nextItemByte(): u32 {
  return itemByte(key, offset++);
}

/** Carries out what the structure at guest-physical `address` says. */
export function runDma(address: u64): void {
  const control = bswap<u32>(load32(address + Access.Control));
  const length = bswap<u32>(load32(address + Access.Length));
  if ((control & Control.Select) != 0) selectItem(control >> KEY_SHIFT);
  const isDone = transfer(control, length, bswap<u64>(load64(address + Access.Address)));
  store32(address + Access.Control, isDone ? 0 : bswap<u32>(Control.Error));
}

/** No item can be written. */
function transfer(control: u32, length: u32, target: u64): bool {
  if ((control & Control.Read) != 0) return readTo(target, length);
  if ((control & Control.Write) != 0) return length == 0;
  if ((control & Control.Skip) != 0) offset += length;
  return true;
}

function readTo(target: u64, length: u32): bool {
  if (length > MAXIMUM_LENGTH || !clear(target, length)) return false;
  for (let index: u32 = 0; index < length; index++) store8(target + index, <u8>nextItemByte());
  return true;
}
