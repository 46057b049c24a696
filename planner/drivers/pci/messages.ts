// Messages of a function by index of the function table: how many, and where the MSI-X table lies, checked against its BARs.

import { barAt, BarFlag, MAXIMUM_BARS, sizeBars } from "./bar";
import { capabilityAt } from "../../../drivers/pci/capability";
import { pageRead32 } from "../../../drivers/pci/config-page";
import { msiCapacity } from "../../../drivers/pci/msi";
import { MSIX_ENTRY_SIZE, MSIX_TABLE, msixEntries } from "../../../drivers/pci/msix";
import { CapabilityId } from "../../../drivers/pci/registers";
import { functionAt } from "./table";

const BAR_INDICATOR: u32 = 7;

/** Messages that a function can tell apart: by MSI-X if it has that, else by MSI; 0 if it has neither. */
export function messageCapacity(index: u32): u32 {
  const entries = msixEntries(functionAt(index).page);
  return entries != 0 ? entries : msiCapacity(functionAt(index).page);
}

/**
 * Physical address of the MSI-X table, 0 if it does not lie wholly in a memory BAR with an address. Who writes there
 * without this check writes where the device likes.
 */
export function msixTableAddress(index: u32): u64 {
  const page = functionAt(index).page;
  const offset = capabilityAt(page, CapabilityId.MsiX);
  if (offset == 0) return 0;
  const place = pageRead32(page, offset + MSIX_TABLE);
  const indicator = place & BAR_INDICATOR;
  if (indicator >= MAXIMUM_BARS) return 0;
  sizeBars(index);
  const bar = barAt(indicator);
  const start: u64 = place & ~BAR_INDICATOR;
  const length = <u64>(msixEntries(page) * MSIX_ENTRY_SIZE);
  if ((bar.flags & BarFlag.Io) != 0 || bar.address == 0 || start + length > bar.size) return 0;
  return bar.address + start;
}
