// The page tables a core runs on after the start: what it needs, nothing writable and executable, nothing for user mode.

import { ImageSymbol, imageAddress } from "../boot/stub";
import {
  CORE_BASE, CorePage, DIRECT_BASE, IMAGE_BASE, KERNEL_MEMORY, KERNEL_MEMORY_PAGES, MONITOR_MEMORY, MONITOR_MEMORY_PAGES,
  PAGE_SIZE,
} from "./layout";
import { createTree, LargePage, MapStatus, mapTree, ROOT_SHIFT_4_LEVELS, TreeFormat } from "./page-tree";

export { LargePage, MapStatus } from "./page-tree";

/** Rights and memory type of a mapping; all are readable. */
export const enum Mapping {
  ReadOnly = 0,
  Writable = 1 << 0,
  Executable = 1 << 1,
  /** Device registers: UC by PAT entry 3 in its state after reset, SDM 3A 11.12.4. */
  Uncached = 1 << 2,
}

// Bits of a page-table entry, SDM 3A table 4-20.
const PRESENT: u64 = 1 << 0;
const WRITABLE: u64 = 1 << 1;
const WRITE_THROUGH: u64 = 1 << 3; // PWT
const CACHE_DISABLE: u64 = 1 << 4; // PCD
const ACCESSED: u64 = 1 << 5;
const DIRTY: u64 = 1 << 6;
const EXECUTE_DISABLE: u64 = 1 << 63; // XD

/** A range of physical memory that a core reaches through phys. */
@unmanaged
export class DirectRange {
  /** Physical address, multiple of 4 KiB. */
  base: u64;
  /** Bytes, multiple of 4 KiB. */
  length: u64;
  /** Mapping, never Executable. */
  mapping: u64;
}
export const DIRECT_RANGE_SIZE: usize = 24;

/** All that one core's tables map; physical addresses, each a multiple of 4 KiB. */
@unmanaged
export class CoreSpace {
  /** Image: code R-X. */
  textStart: u64;
  textEnd: u64;
  /** Image: constants R--. */
  rodataStart: u64;
  rodataEnd: u64;
  /** Image: data R--, which the floor writes before the seal only. */
  dataStart: u64;
  dataEnd: u64;
  /** CorePage.Count pages: stacks and descriptor tables RW-, guards left out. */
  coreBlock: u64;
  /** Instance page and KERNEL_MEMORY_PAGES of linear memory, RW-. */
  kernelMemory: u64;
  /** Instance page and MONITOR_MEMORY_PAGES of linear memory, RW-; 0 if the core runs no monitor. */
  monitorMemory: u64;
  /** LargePage mask. */
  largePages: u32;
  directRangeCount: u32;
  /** Pointer to DirectRange records in linear memory. */
  directRanges: usize;
}
export const CORE_SPACE_SIZE: usize = 88;

const format: TreeFormat = changetype<TreeFormat>(memory.data(40, 8));

/** Fills in where the image's parts lie. */
export function describeImage(space: CoreSpace): void {
  space.textStart = imageAddress(ImageSymbol.TextStart);
  space.textEnd = imageAddress(ImageSymbol.TextEnd);
  space.rodataStart = imageAddress(ImageSymbol.RodataStart);
  space.rodataEnd = imageAddress(ImageSymbol.RodataEnd);
  space.dataStart = imageAddress(ImageSymbol.DataStart);
  space.dataEnd = imageAddress(ImageSymbol.DataEnd);
}

/** An empty set of tables: the physical address of its PML4, 0 if no frame is left. */
export function createTables(): u64 { return createTree(); }

/** Accessed and dirty are set beforehand, so that the processor never writes to tables that are read-only. */
function leafBits(mapping: u32): u64 {
  let bits = PRESENT | ACCESSED;
  if (mapping & Mapping.Writable) bits |= WRITABLE | DIRTY;
  if (!(mapping & Mapping.Executable)) bits |= EXECUTE_DISABLE;
  if (mapping & Mapping.Uncached) bits |= CACHE_DISABLE | WRITE_THROUGH;
  return bits;
}

/** Maps `length` bytes; see Mapping and LargePage. */
export function mapRange(pml4: u64, virtual: u64, physical: u64, length: u64, mapping: u32, largePages: u32): MapStatus {
  const both = Mapping.Writable | Mapping.Executable;
  if ((mapping & both) == both) return MapStatus.WritableAndExecutable;
  format.rootShift = ROOT_SHIFT_4_LEVELS;
  format.presentMask = PRESENT;
  format.tableBits = PRESENT | WRITABLE | ACCESSED;
  format.largePages = largePages;
  return mapTree(pml4, format, virtual, physical, length, leafBits(mapping));
}

/** Makes `length` bytes at `physical` reachable through phys. */
export function mapDirect(pml4: u64, physical: u64, length: u64, mapping: u32, largePages: u32): MapStatus {
  if (mapping & Mapping.Executable) return MapStatus.WritableAndExecutable;
  return mapRange(pml4, DIRECT_BASE + physical, physical, length, mapping, largePages);
}

/** Maps all of `space` into the empty tables at `pml4`; stops at the first failure. */
export function buildCoreTables(pml4: u64, space: CoreSpace): MapStatus {
  let status = mapImage(pml4, space);
  if (status == MapStatus.Done) status = mapCoreBlock(pml4, space.coreBlock);
  if (status == MapStatus.Done) {
    status = mapInstance(pml4, KERNEL_MEMORY, space.kernelMemory, KERNEL_MEMORY_PAGES);
  }
  if (status == MapStatus.Done && space.monitorMemory != 0) {
    status = mapInstance(pml4, MONITOR_MEMORY, space.monitorMemory, MONITOR_MEMORY_PAGES);
  }
  if (status == MapStatus.Done) status = mapDirectRanges(pml4, space);
  return status;
}

function mapImage(pml4: u64, space: CoreSpace): MapStatus {
  let status = mapSection(pml4, space.textStart, space.textEnd, Mapping.Executable);
  if (status == MapStatus.Done) status = mapSection(pml4, space.rodataStart, space.rodataEnd, Mapping.ReadOnly);
  if (status == MapStatus.Done) status = mapSection(pml4, space.dataStart, space.dataEnd, Mapping.ReadOnly);
  // The trap report reads what follows an UD2, and the names of functions, through phys.
  const length = space.rodataEnd - space.textStart;
  if (status == MapStatus.Done) status = mapDirect(pml4, space.textStart, length, Mapping.ReadOnly, LargePage.None);
  return status;
}

function mapSection(pml4: u64, start: u64, end: u64, mapping: u32): MapStatus {
  return mapRange(pml4, IMAGE_BASE + start, start, end - start, mapping, LargePage.None);
}

/** Maps the pages from `first` up to `end` of the core block. */
function mapCorePages(pml4: u64, block: u64, first: u32, end: u32): MapStatus {
  const offset = <u64>first * PAGE_SIZE;
  const length = <u64>(end - first) * PAGE_SIZE;
  return mapRange(pml4, CORE_BASE + offset, block + offset, length, Mapping.Writable, LargePage.None);
}

function mapCoreBlock(pml4: u64, block: u64): MapStatus {
  let status = mapCorePages(pml4, block, CorePage.MainStack, CorePage.MainStackEnd);
  if (status == MapStatus.Done) status = mapCorePages(pml4, block, CorePage.NmiStack, CorePage.NmiStackEnd);
  if (status == MapStatus.Done) {
    status = mapCorePages(pml4, block, CorePage.DoubleFaultStack, CorePage.DoubleFaultStackEnd);
  }
  if (status == MapStatus.Done) {
    status = mapCorePages(pml4, block, CorePage.MachineCheckStack, CorePage.MachineCheckStackEnd);
  }
  if (status == MapStatus.Done) status = mapCorePages(pml4, block, CorePage.CoreData, CorePage.Count);
  return status;
}

/** A wasm instance: its instance page lies just below its linear memory, whose guard is left unmapped. */
function mapInstance(pml4: u64, linearMemory: u64, physical: u64, pages: u32): MapStatus {
  const length = <u64>(pages + 1) * PAGE_SIZE;
  return mapRange(pml4, linearMemory - PAGE_SIZE, physical, length, Mapping.Writable, LargePage.None);
}

function mapDirectRanges(pml4: u64, space: CoreSpace): MapStatus {
  for (let i: u32 = 0; i < space.directRangeCount; i++) {
    const range = changetype<DirectRange>(space.directRanges + <usize>i * DIRECT_RANGE_SIZE);
    const status = mapDirect(pml4, range.base, range.length, <u32>range.mapping, space.largePages);
    if (status != MapStatus.Done) return status;
  }
  return MapStatus.Done;
}
