// Message-signalled interrupts of one function, PCI 3.0 6.8.1: one message.

import { capabilityAt } from "./capability";
import { pageChange16, pageRead16, pageWrite16, pageWrite32 } from "./config-page";
import { CapabilityId } from "./registers";

export const enum MessageStatus {
  Done = 0,
  /** The function has no such capability. */
  NoCapability = 1,
  /** The address is above 4 GiB and the function writes 32 bits of it. */
  AddressTooWide = 2,
}

/** Offsets in the capability. */
const CONTROL: u32 = 0x02; // u16
const ADDRESS: u32 = 0x04;
const UPPER_ADDRESS: u32 = 0x08;
const DATA_32: u32 = 0x08; // u16
const MASK_32: u32 = 0x0c;
const DATA_64: u32 = 0x0c;
const MASK_64: u32 = 0x10;

/** Message control, PCI 3.0 6.8.1.3. */
const ENABLE: u32 = 1 << 0;
const CAPABLE_SHIFT: u32 = 1;
const MESSAGES_ENABLED: u32 = 7 << 4;
const ADDRESS_64_BIT: u32 = 1 << 7;
const MASKABLE: u32 = 1 << 8;

/** Messages that the function at `page` could tell apart, 1 to 32; 0 if it has no MSI. */
export function msiCapacity(page: u64): u32 {
  const offset = capabilityAt(page, CapabilityId.Msi);
  if (offset == 0) return 0;
  return 1 << min((pageRead16(page, offset + CONTROL) >> CAPABLE_SHIFT) & 7, 5);
}

/** Switches MSI off, sets its one message and takes off its mask. enableMsiAt() then lets it go. */
export function programMsiAt(page: u64, address: u64, data: u32): MessageStatus {
  const offset = capabilityAt(page, CapabilityId.Msi);
  if (offset == 0) return MessageStatus.NoCapability;
  const control = pageRead16(page, offset + CONTROL);
  const isWide = (control & ADDRESS_64_BIT) != 0;
  if (!isWide && address >> 32 != 0) return MessageStatus.AddressTooWide;
  pageWrite16(page, offset + CONTROL, control & ~(ENABLE | MESSAGES_ENABLED));
  pageWrite32(page, offset + ADDRESS, <u32>address);
  if (isWide) pageWrite32(page, offset + UPPER_ADDRESS, <u32>(address >> 32));
  pageWrite16(page, offset + (isWide ? DATA_64 : DATA_32), data);
  if ((control & MASKABLE) != 0) pageWrite32(page, offset + (isWide ? MASK_64 : MASK_32), 0);
  return MessageStatus.Done;
}

/** Switches MSI on or off. */
export function enableMsiAt(page: u64, on: bool): MessageStatus {
  const offset = capabilityAt(page, CapabilityId.Msi);
  if (offset == 0) return MessageStatus.NoCapability;
  pageChange16(page, offset + CONTROL, ENABLE, on ? ENABLE : 0);
  return MessageStatus.Done;
}
