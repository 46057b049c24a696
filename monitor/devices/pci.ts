// PCI configuration mechanism 1 (PCI Local Bus specification 3.2.2.3.2): the address can be latched, no device answers.

export const enum PciPort {
  Address = 0xcf8, // CONFIG_ADDRESS, 32-bit accesses only
  Data = 0xcfc, // CONFIG_DATA, 4 bytes
}

const ADDRESS_WRITABLE: u32 = 0x80fffffc;
const NO_DEVICE: u32 = 0xffffffff;

let address: u32 = 0;

export function resetPci(): void {
  address = 0;
}

export function readPci(port: u32, size: u32): u32 {
  return port == PciPort.Address && size == 4 ? address : NO_DEVICE;
}

export function writePci(port: u32, size: u32, value: u32): void {
  if (port == PciPort.Address && size == 4) address = value & ADDRESS_WRITABLE;
}
