// MSI and MSI-X by index of the function table, with the MSI-X table checked against the function's BARs.

import { barAt, BarFlag, MAXIMUM_BARS, sizeBars } from "./bar";
import { capabilityAt } from "./capability";
import { pageRead16, pageRead32 } from "./config-page";
import { enableMsiAt, MessageStatus, msiCapacity, programMsiAt } from "./msi";
import { enableMsixAt, MSIX_ENTRY_SIZE, MSIX_TABLE, msixEntries, writeMsixEntry } from "./msix";
import { CapabilityId, Command, Header } from "./registers";
import { functionAt } from "./table";

export { MessageStatus } from "./msi";

const BAR_INDICATOR: u32 = 7;

/** Messages that a function can tell apart: by MSI-X if it has that, else by MSI; 0 if it has neither. */
export function messageCapacity(index: u32): u32 {
  const entries = msixEntries(functionAt(index).page);
  return entries != 0 ? entries : msiCapacity(functionAt(index).page);
}

/** programMsiAt() and enableMsiAt() by index. */
export function programMsi(index: u32, address: u64, data: u32): MessageStatus {
  return programMsiAt(functionAt(index).page, address, data);
}

export function enableMsi(index: u32, on: bool): MessageStatus {
  return enableMsiAt(functionAt(index).page, on);
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

/** Sets entry `entry` of the MSI-X table and takes off its mask. enableMsix() lets it go. */
export function programMsix(index: u32, entry: u32, address: u64, data: u32): MessageStatus {
  const page = functionAt(index).page;
  const entries = msixEntries(page);
  if (entries == 0) return MessageStatus.NoCapability;
  if (entry >= entries) return MessageStatus.EntryOutOfRange;
  const table = msixTableAddress(index);
  const isDecoded = (pageRead16(page, Header.Command) & Command.MemorySpace) != 0;
  if (table == 0 || !isDecoded) return MessageStatus.TableUnreachable;
  writeMsixEntry(table, entry, address, data);
  return MessageStatus.Done;
}

export function enableMsix(index: u32, on: bool): MessageStatus {
  return enableMsixAt(functionAt(index).page, on);
}
