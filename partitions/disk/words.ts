// Memory and configuration space by 32-bit words; what faults reads 0 and writes nothing.

import { readMemory32, readPort32, writeMemory32, writePort32 } from "../runtime/attempt";

const CONFIG_ADDRESS: u32 = 0xcf8;
const CONFIG_DATA: u32 = 0xcfc;
const ENABLE: u32 = 1 << 31;

const scratch: usize = memory.data(8, 8);

export function readWord(address: u64): u32 {
  store<u32>(scratch, 0);
  readMemory32(address, scratch);
  return load<u32>(scratch);
}

export function writeWord(address: u64, value: u32): void {
  writeMemory32(address, value);
}

/** `device` is a device number of bus 0. */
export function readConfig(device: u32, register: u32): u32 {
  writePort32(CONFIG_ADDRESS, ENABLE | (device << 11) | register);
  store<u32>(scratch, 0);
  readPort32(CONFIG_DATA, scratch);
  return load<u32>(scratch);
}

export function writeConfig(device: u32, register: u32, value: u32): void {
  writePort32(CONFIG_ADDRESS, ENABLE | (device << 11) | register);
  writePort32(CONFIG_DATA, value);
}
