// An operand at a linear address, in RAM or on a device, which may reach into a second page.

import { highMemory, lowMemory } from "../configuration";
import { load16, load32, load64, load8, store16, store32, store64, store8 } from "../imports";
import { HIGH_MEMORY_BASE } from "../interface";
import { readDevice, writeDevice } from "./device-access";
import { isUser } from "./frame";
import { Access, NOT_MAPPED, translate } from "./guest-paging";

const PAGE_SIZE: u64 = 4096;

/** Guest-physical address of the operand prepared last, and of its part on a second page. */
let first: u64 = 0;
let second: u64 = 0;
/** Bytes of it on the first page. */
let firstSize: u32 = 0;

/** Translates an operand of `size` bytes for readOperand() or writeOperand(). False if a page of it is not mapped. */
export function prepareOperand(linear: u64, size: u32, isWrite: bool): bool {
  const access = (isWrite ? Access.Write : Access.Read) | (isUser() ? Access.User : 0);
  first = translate(linear, access);
  if (first == NOT_MAPPED) return false;
  const room = PAGE_SIZE - (linear & (PAGE_SIZE - 1));
  firstSize = size;
  if (room >= size) return true;
  firstSize = <u32>room;
  second = translate(linear + room, access);
  return second != NOT_MAPPED;
}

export function readOperand(vcpu: u32, size: u32): u64 {
  if (firstSize < size) return readBytes(size);
  if (!isMemory(first)) return readDevice(vcpu, first, size);
  switch (size) {
    case 1: return load8(first);
    case 2: return load16(first);
    case 4: return load32(first);
    default: return load64(first);
  }
}

export function writeOperand(vcpu: u32, size: u32, value: u64): void {
  if (firstSize < size) return writeBytes(size, value);
  if (!isMemory(first)) return writeDevice(vcpu, first, size, value);
  switch (size) {
    case 1: return store8(first, <u8>value);
    case 2: return store16(first, <u16>value);
    case 4: return store32(first, <u32>value);
    default: return store64(first, value);
  }
}

/** Whether RAM is at this guest-physical address; only an operand on one page can be a device's. */
function isMemory(gpa: u64): bool {
  return gpa < lowMemory() || (gpa >= HIGH_MEMORY_BASE && gpa - HIGH_MEMORY_BASE < highMemory());
}

function byteAddress(index: u32): u64 {
  return index < firstSize ? first + index : second + (index - firstSize);
}

function readBytes(size: u32): u64 {
  let value: u64 = 0;
  for (let i: u32 = 0; i < size; i++) value |= <u64>load8(byteAddress(i)) << (i << 3);
  return value;
}

function writeBytes(size: u32, value: u64): void {
  for (let i: u32 = 0; i < size; i++) store8(byteAddress(i), <u8>(value >> (i << 3)));
}
