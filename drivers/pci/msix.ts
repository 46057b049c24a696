// MSI-X of one function, PCI 3.0 6.8.2. The table lies in memory where a device says: its address is checked once
// (messages.ts) and given to these functions, which never ask the device again.

import { load32, store32 } from "../../kernel/memory/physical";
import { capabilityAt } from "./capability";
import { pageChange16, pageRead16 } from "./config-page";
import { MessageStatus } from "./msi";
import { CapabilityId } from "./registers";

/** Offsets in the capability. */
const CONTROL: u32 = 0x02; // u16
export const MSIX_TABLE: u32 = 0x04; // BIR in bits 2:0
export const MSIX_ENTRY_SIZE: u32 = 16;

/** Message control, PCI 3.0 6.8.2.3. */
const TABLE_SIZE: u32 = 0x7ff; // entries - 1
const FUNCTION_MASK: u32 = 1 << 14;
const ENABLE: u32 = 1 << 15;

/** Offsets in an entry, PCI 3.0 6.8.2.6. */
const ADDRESS: u64 = 0x00;
const UPPER_ADDRESS: u64 = 0x04;
const DATA: u64 = 0x08;
const VECTOR_CONTROL: u64 = 0x0c;
const MASKED: u32 = 1 << 0;

/** Entries of the table of the function at `page`, 1 to 2048; 0 if it has no MSI-X. */
export function msixEntries(page: u64): u32 {
  const offset = capabilityAt(page, CapabilityId.MsiX);
  return offset == 0 ? 0 : (pageRead16(page, offset + CONTROL) & TABLE_SIZE) + 1;
}

/** Switches MSI-X on, with only the entries' own masks, or off. */
export function enableMsixAt(page: u64, on: bool): MessageStatus {
  const offset = capabilityAt(page, CapabilityId.MsiX);
  if (offset == 0) return MessageStatus.NoCapability;
  pageChange16(page, offset + CONTROL, ENABLE | FUNCTION_MASK, on ? ENABLE : 0);
  return MessageStatus.Done;
}

/** Sets an entry of the table at physical address `table` and takes off its mask. The function's memory is decoded. */
export function writeMsixEntry(table: u64, entry: u32, address: u64, data: u32): void {
  const at = table + <u64>(entry * MSIX_ENTRY_SIZE);
  maskMsixEntry(table, entry, true);
  store32(at + ADDRESS, <u32>address);
  store32(at + UPPER_ADDRESS, <u32>(address >> 32));
  store32(at + DATA, data);
  maskMsixEntry(table, entry, false);
}

/** Masks an entry or takes off its mask. */
export function maskMsixEntry(table: u64, entry: u32, masked: bool): void {
  const control = table + <u64>(entry * MSIX_ENTRY_SIZE) + VECTOR_CONTROL;
  store32(control, (load32(control) & ~MASKED) | (masked ? MASKED : 0));
}
