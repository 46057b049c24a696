// What memory and ports a function decodes, and whether another one lies in the same page.

import { Bar, BAR_SIZE, BarFlag, BarStatus, measureBar } from "./bar-size";
import { HeaderLayout } from "../../../drivers/pci/registers";
import { functionAt, functionCount, NO_FUNCTION } from "./table";

export { Bar, BarFlag, BarStatus } from "./bar-size";

export const MAXIMUM_BARS: u32 = 6;

const PAGE_SHIFT: u64 = 12;
const HOST_BRIDGE: u32 = 0x0600;

const bars: usize = memory.data(144, 8); // MAXIMUM_BARS * BAR_SIZE
const other: Bar = changetype<Bar>(memory.data(24, 8));

/** BAR `bar` of the function that sizeBars() looked at last. */
export function barAt(bar: u32): Bar {
  return changetype<Bar>(bars + <usize>bar * BAR_SIZE);
}

/** Fills the table of BARs; the status of the first that is refused, which has size 0. The function decodes nothing meanwhile. */
export function sizeBars(index: u32): BarStatus {
  const page = functionAt(index).page;
  memory.fill(bars, 0, <usize>MAXIMUM_BARS * BAR_SIZE);
  const count = barCount(index);
  let status = BarStatus.Done;
  for (let bar: u32 = 0; bar < count; bar++) {
    const result = measureBar(page, bar, count, barAt(bar));
    if (result != BarStatus.Done && status == BarStatus.Done) status = result;
    if ((barAt(bar).flags & BarFlag.SixtyFourBit) != 0) bar++;
  }
  return status;
}

/** Registers by header layout; a host bridge is left alone, since some stop memory accesses of the processor with it. */
function barCount(index: u32): u32 {
  if (functionAt(index).classCode >> 8 == HOST_BRIDGE) return 0;
  switch (functionAt(index).headerType & <u32>HeaderLayout.Mask) {
    case HeaderLayout.Function: return MAXIMUM_BARS;
    case HeaderLayout.Bridge: return 2;
    case HeaderLayout.CardBus: return 1;
    default: return 0;
  }
}

/**
 * Index of another function with memory in a page of BAR `bar` of function `index`, or NO_FUNCTION; so it is also for
 * I/O BARs and those without an address. Sizes the BARs of all functions; the table then holds those of `index`.
 */
export function barSharesPage(index: u32, bar: u32): u32 {
  sizeBars(index);
  if (bar >= MAXIMUM_BARS || !isMemory(barAt(bar))) return NO_FUNCTION;
  for (let i: u32 = 0; i < functionCount(); i++) {
    if (i != index && hasBarNear(i, barAt(bar))) return i;
  }
  return NO_FUNCTION;
}

function isMemory(bar: Bar): bool {
  return bar.size != 0 && bar.address != 0 && (bar.flags & BarFlag.Io) == 0;
}

/** Whether a BAR of function `index` has memory in a page of `near`. */
function hasBarNear(index: u32, near: Bar): bool {
  const count = barCount(index);
  for (let bar: u32 = 0; bar < count; bar++) {
    measureBar(functionAt(index).page, bar, count, other);
    if (isMemory(other) && firstPage(other) <= lastPage(near) && lastPage(other) >= firstPage(near)) return true;
    if ((other.flags & BarFlag.SixtyFourBit) != 0) bar++;
  }
  return false;
}

function firstPage(bar: Bar): u64 {
  return bar.address >> PAGE_SHIFT;
}

function lastPage(bar: Bar): u64 {
  return (bar.address + (bar.size - 1)) >> PAGE_SHIFT;
}
