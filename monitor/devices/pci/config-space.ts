// The virtual configuration spaces: for each device of bus 0 what its registers hold and which bits the guest can write.

import { DISK_FUNCTION, NO_FUNCTION, isPresent } from "./function-record";

/** Device numbers. 1 is the south bridge that firmware expects (chipset.ts); assigned function n is at FIRST_ASSIGNED + n. */
export const HOST_BRIDGE: u32 = 0;
const DISK: u32 = 2;
const FIRST_ASSIGNED: u32 = 3;

const SPACE_SIZE: u32 = 256; // bytes
const SPACES: u32 = 16; // a power of two above every device number; the last two are the south bridge's
const SPACES_SIZE: u32 = SPACES * SPACE_SIZE;

const VALUES = memory.data(4096, 8); // SPACES_SIZE
const WRITABLE = memory.data(4096, 8); // SPACES_SIZE

// @ts-ignore: decorator
@inline function place(device: u32, register: u32): u32 {
  return (device * SPACE_SIZE + (register & (SPACE_SIZE - 4))) & (SPACES_SIZE - 4);
}

/** The device number of function `index`. */
// @ts-ignore: decorator
@inline export function deviceOf(index: u32): u32 {
  return index == DISK_FUNCTION ? DISK : index + FIRST_ASSIGNED;
}

/** The function at a device number, or NO_FUNCTION. */
export function functionOf(device: u32): u32 {
  const index = device == DISK ? DISK_FUNCTION : device - FIRST_ASSIGNED;
  return isPresent(index) && deviceOf(index) == device ? index : NO_FUNCTION;
}

/** The 32-bit register at `register`, a multiple of 4 below 256. */
export function configValue(device: u32, register: u32): u32 {
  return load<u32>(VALUES + place(device, register));
}

export function writableBits(device: u32, register: u32): u32 {
  return load<u32>(WRITABLE + place(device, register));
}

export function setConfigValue(device: u32, register: u32, value: u32): void {
  store<u32>(VALUES + place(device, register), value);
}

/** Makes a register: what it holds, and the bits that the guest can write. */
export function defineRegister(device: u32, register: u32, value: u32, writable: u32): void {
  setConfigValue(device, register, value);
  store<u32>(WRITABLE + place(device, register), writable);
}

/** Makes all registers of a device read 0 and ignore writes. */
export function clearConfigSpace(device: u32): void {
  memory.fill(VALUES + place(device, 0), 0, SPACE_SIZE);
  memory.fill(WRITABLE + place(device, 0), 0, SPACE_SIZE);
}
