// Physical memory that nothing uses yet. Core 0 hands it out while it builds the system; nothing is given back.

import { ImageSymbol, imageAddress } from "../../kernel/boot/stub";
import {
  informationAddress, informationLength, MEMORY_AVAILABLE, memoryMapBase, memoryMapCount, memoryMapLength, memoryMapType,
  moduleAddress, moduleCount, moduleSize,
} from "../boot/boot-information";
import { BOOT_DIRECT_END, PAGE_SIZE } from "../../kernel/memory/layout";
import { clear } from "../../kernel/memory/physical";
import { addRange, clearRanges, findLowest, rangesOverflowed, rangesSize, subtractRange, takeLowest } from "./ranges";

export const enum FramesStatus {
  Done = 0,
  /** The memory map leaves nothing to hand out. */
  NoMemory = 1,
  /** The memory map has more pieces than the table of ranges. */
  TooManyRanges = 2,
}

/** Below lie the real-mode vectors, the EBDA, video memory and the trampoline. */
const FIRST_FREE: u64 = 0x100000;
/** Below lie the vectors and data of the BIOS, and loaders put things there. */
const FIRST_TRAMPOLINE: u64 = 0x8000;
const TRAMPOLINE_END: u64 = 0x9f000;
/** Partition memory of at least 1 GiB is aligned so that EPT can use 1 GiB pages. */
const GIGABYTE: u64 = 1 << 30;
const LARGE_PAGE: u64 = 1 << 21;

let trampoline: u64 = 0;

function pageDown(address: u64): u64 { return address & ~(PAGE_SIZE - 1); }

function pageUp(address: u64): u64 { return (address + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1); }

/** End of an entry of the memory map, cut off at the last address that can be reached: frames beyond could not be filled. */
function entryEnd(index: u32): u64 {
  const base = memoryMapBase(index);
  if (base >= BOOT_DIRECT_END) return base;
  return base + min(memoryMapLength(index), BOOT_DIRECT_END - base);
}

/** Takes the loader's memory map less all that is in use: the first MiB, the image, the modules, the boot information. */
export function initialise(): FramesStatus {
  clearRanges();
  for (let i: u32 = 0; i < memoryMapCount(); i++) {
    if (memoryMapType(i) == MEMORY_AVAILABLE) addRange(pageUp(memoryMapBase(i)), pageDown(entryEnd(i)));
  }
  // Firmware has been seen to list reserved areas inside available ones: the reserved ones win.
  for (let i: u32 = 0; i < memoryMapCount(); i++) {
    if (memoryMapType(i) != MEMORY_AVAILABLE) reserve(memoryMapBase(i), entryEnd(i));
  }
  reserve(0, FIRST_TRAMPOLINE);
  reserve(imageAddress(ImageSymbol.Start), imageAddress(ImageSymbol.End));
  reserve(informationAddress(), informationAddress() + informationLength());
  for (let i: u32 = 0; i < moduleCount(); i++) {
    reserve(moduleAddress(i), moduleAddress(i) + moduleSize(i));
  }
  const lowest = findLowest(PAGE_SIZE, PAGE_SIZE);
  trampoline = lowest < TRAMPOLINE_END ? lowest : 0;
  reserve(0, FIRST_FREE);
  if (rangesOverflowed()) return FramesStatus.TooManyRanges;
  return rangesSize() == 0 ? FramesStatus.NoMemory : FramesStatus.Done;
}

/** A page below 1 MiB for other cores to start in, 0 if the memory map has none free. */
export function trampolinePage(): u64 { return trampoline; }

/** Never hands out a byte of [base, end): memory that firmware shares with devices. */
export function reserveMemory(base: u64, end: u64): void {
  reserve(base, end);
}

function reserve(base: u64, end: u64): void {
  subtractRange(pageDown(base), pageUp(end));
}

/** Zeroed, contiguous frames; `alignmentPages` is a power of two. Returns their physical address, 0 when there are none. */
export function allocate(pages: u32, alignmentPages: u32): u64 {
  const length = <u64>pages * PAGE_SIZE;
  const base = takeLowest(length, <u64>alignmentPages * PAGE_SIZE);
  if (base != 0) clear(base, length);
  return base;
}

/** The same, not zeroed. */
export function allocateUncleared(pages: u32): u64 { return takeLowest(<u64>pages * PAGE_SIZE, PAGE_SIZE); }

/** Memory of a partition, aligned for the largest pages that it can use; not zeroed. 0 when there is none. */
export function allocateLarge(length: u64): u64 {
  if (length >= GIGABYTE) {
    const base = takeLowest(length, GIGABYTE);
    if (base != 0) return base;
  }
  return takeLowest(length, LARGE_PAGE);
}

/** Bytes that are still free. */
export function freeBytes(): u64 { return rangesSize(); }
