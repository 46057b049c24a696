// Sizing of one base address register, PCI 3.0 6.2.5.1. Sizes come from the device: a mask that no decoder can have is
// refused.

import { pageRead16, pageRead32, pageWrite16, pageWrite32 } from "../../../drivers/pci/config-page";
import { Command, Header } from "../../../drivers/pci/registers";

/** Bits 3:0 of the register. */
export const enum BarFlag {
  Io = 1 << 0,
  SixtyFourBit = 1 << 2,
  Prefetchable = 1 << 3,
}

@unmanaged
export class Bar {
  /** Physical address or port; 0 if firmware gave none. */
  address: u64;
  /** Bytes; 0: no BAR, or the upper half of the one before. */
  size: u64;
  /** BarFlag mask. */
  flags: u32;
}
export const BAR_SIZE: usize = 24;

export const enum BarStatus {
  Done = 0,
  /** A 64-bit BAR in the last register. */
  UpperHalfMissing = 1,
  /** Memory type 3, which is reserved. */
  TypeReserved = 2,
  /** Address bits that can be set with others between them that cannot. */
  MaskMalformed = 3,
}

const IO_FLAGS: u32 = 0x3;
const MEMORY_FLAGS: u32 = 0xf;
const TYPE: u32 = 0x6;
const TYPE_RESERVED: u32 = 0x6;
const FOUR_GIGABYTES: u64 = 1 << 32;

function registerOf(bar: u32): u32 {
  return Header.BaseAddress + (bar << 2);
}

/**
 * Fills `out` with BAR `bar` of the `count` that the function at `page` has; all zero if it is refused. The function
 * decodes nothing meanwhile.
 */
export function measureBar(page: u64, bar: u32, count: u32, out: Bar): BarStatus {
  const command = pageRead16(page, Header.Command);
  pageWrite16(page, Header.Command, command & ~<u32>(Command.IoSpace | Command.MemorySpace));
  const status = measureQuietly(page, bar, count, out);
  pageWrite16(page, Header.Command, command);
  if (status != BarStatus.Done) {
    out.address = 0;
    out.size = 0;
  }
  return status;
}

function measureQuietly(page: u64, bar: u32, count: u32, out: Bar): BarStatus {
  const low = pageRead32(page, registerOf(bar));
  const lowMask = probe(page, registerOf(bar), low);
  out.address = 0;
  out.size = 0;
  out.flags = flagsOf(low);
  if ((low & BarFlag.Io) != 0) return setRange(out, low & ~IO_FLAGS, ioMask(lowMask), FOUR_GIGABYTES);
  if ((low & TYPE) == TYPE_RESERVED) return BarStatus.TypeReserved;
  if ((low & BarFlag.SixtyFourBit) == 0) return setRange(out, low & ~MEMORY_FLAGS, lowMask & ~MEMORY_FLAGS, FOUR_GIGABYTES);
  if (bar + 1 == count) return BarStatus.UpperHalfMissing;
  const high = pageRead32(page, registerOf(bar + 1));
  const highMask = probe(page, registerOf(bar + 1), high);
  const address = (<u64>high << 32) | (low & ~MEMORY_FLAGS);
  return setRange(out, address, (<u64>highMask << 32) | (lowMask & ~MEMORY_FLAGS), 0);
}

/** Bits that can be set. */
function probe(page: u64, register: u32, value: u32): u32 {
  pageWrite32(page, register, 0xffffffff);
  const mask = pageRead32(page, register);
  pageWrite32(page, register, value);
  return mask;
}

function flagsOf(low: u32): u32 {
  if ((low & BarFlag.Io) != 0) return BarFlag.Io;
  return low & <u32>(BarFlag.SixtyFourBit | BarFlag.Prefetchable);
}

/** Devices of the PC may leave the upper half of an I/O BAR at zero. */
function ioMask(mask: u32): u32 {
  return (mask & ~IO_FLAGS) == 0 ? 0 : (mask & ~IO_FLAGS) | 0xffff0000;
}

/**
 * The lowest bit that can be set is the size, and all above it up to `end` (0: 2^64) can be set too. Some 64-bit BARs
 * stop at the width of the bus.
 */
function setRange(out: Bar, address: u64, mask: u64, end: u64): BarStatus {
  if (mask == 0) return BarStatus.Done;
  const size = mask & (~mask + 1);
  const top = mask + size;
  if ((top & (top - 1)) != 0) return BarStatus.MaskMalformed;
  if (top != end && (end != 0 || top < FOUR_GIGABYTES)) return BarStatus.MaskMalformed;
  out.address = address & mask;
  out.size = size;
  return BarStatus.Done;
}
