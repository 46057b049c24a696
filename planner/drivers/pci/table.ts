// The table of all PCI functions that the scan found. It lies in the linear memory of the core that scanned.

import { HeaderLayout } from "../../../drivers/pci/registers";

export const MAXIMUM_FUNCTIONS: u32 = 1024;
export const NO_FUNCTION: u32 = 0xffffffff;
/** Secondary bus of what is no bridge, or of a bridge with nothing behind it. */
export const NO_BUS: u32 = 0x100;

@unmanaged
export class PciFunction {
  /** Its configuration space, config-page.ts. */
  page: u64;
  segment: u32;
  /** Bus, device and function: bits 15:8, 7:3 and 2:0. */
  sourceId: u32;
  /** Vendor id, device id in the upper half. */
  vendor: u32;
  /** Class, subclass and interface: bits 23:16, 15:8 and 7:0. */
  classCode: u32;
  headerType: u32;
  /** ExpressType. */
  expressType: u32;
  /** Buses behind a bridge; NO_BUS and 0 where there are none. */
  secondaryBus: u32;
  subordinateBus: u32;
  /** Index of the bridge above, or NO_FUNCTION. */
  parent: u32;
  /** Index of the lowest function of its isolation group. */
  group: u32;
  /** 1: peers cannot be reached through it without the remapping unit (ACS is on). */
  accessControl: u32;
}
export const FUNCTION_SIZE: usize = 56;

const records: usize = memory.data(57344, 8); // MAXIMUM_FUNCTIONS * FUNCTION_SIZE
let count: u32 = 0;

export function clearFunctions(): void {
  count = 0;
}

/** Index of a new record, all zero; NO_FUNCTION if the table is full. */
export function addFunction(): u32 {
  if (count == MAXIMUM_FUNCTIONS) return NO_FUNCTION;
  memory.fill(changetype<usize>(functionAt(count)), 0, FUNCTION_SIZE);
  return count++;
}

export function functionCount(): u32 { return count; }

export function functionAt(index: u32): PciFunction {
  return changetype<PciFunction>(records + <usize>index * FUNCTION_SIZE);
}

/** Index of a function, or NO_FUNCTION. */
export function findFunction(segment: u32, sourceId: u32): u32 {
  for (let i: u32 = 0; i < count; i++) {
    const pciFunction = functionAt(i);
    if (pciFunction.segment == segment && pciFunction.sourceId == sourceId) return i;
  }
  return NO_FUNCTION;
}

/** Whether the function is a bridge to another PCI bus, or to CardBus. */
export function isBridge(pciFunction: PciFunction): bool {
  const layout = pciFunction.headerType & <u32>HeaderLayout.Mask;
  return layout == <u32>HeaderLayout.Bridge || layout == <u32>HeaderLayout.CardBus;
}
