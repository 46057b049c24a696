// Ports of the firmware configuration device: selector, data, and the two halves of the address of a DMA structure.

import { nextItemByte, runDma, selectItem } from "./dma";

export const enum FirmwarePort {
  Selector = 0x510, // 16-bit writes
  Data = 0x511, // byte reads
  AddressHigh = 0x514, // 32 bits, big-endian
  AddressLow = 0x518, // the same; starts the transfer
  End = 0x51c,
}

/** What the address register reads, in bytes "QEMU CFG". */
const DMA_SIGNATURE: u64 = 0x47464320554d4551;

let addressHigh: u32 = 0;

export function resetFirmwarePorts(): void {
  addressHigh = 0;
  selectItem(0);
}

/** Reads at `port`, 0x510-0x51b; the bits above `size` bytes are undefined. */
export function readFirmwarePort(port: u32, size: u32): u32 {
  if (port == FirmwarePort.Data) return size == 1 ? nextItemByte() : u32.MAX_VALUE;
  if (port < <u32>FirmwarePort.AddressHigh) return u32.MAX_VALUE;
  return <u32>(DMA_SIGNATURE >> ((port - FirmwarePort.AddressHigh) << 3));
}

export function writeFirmwarePort(port: u32, size: u32, value: u32): void {
  if (port == FirmwarePort.Selector && size == 2) selectItem(value & 0xffff);
  else if (port == FirmwarePort.AddressHigh && size == 4) addressHigh = bswap<u32>(value);
  else if (port == FirmwarePort.AddressLow && size == 4) {
    const address = (<u64>addressHigh << 32) | bswap<u32>(value);
    addressHigh = 0;
    runDma(address);
  }
}
