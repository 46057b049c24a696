// Address translation services of one function: ATS (PCIe 5.0 10.5.1), page requests (10.5.2), PASID (7.8.8).

import { extendedCapabilityAt } from "./capability";
import { pageChange16 } from "./config-page";
import { ExtendedId } from "./registers";

const ATS_CONTROL: u32 = 0x06; // u16, Smallest Translation Unit in bits 4:0
const ATS_ENABLE: u32 = 1 << 15;
const SMALLEST_TRANSLATION_UNIT: u32 = 0x1f;
const PAGE_REQUEST_CONTROL: u32 = 0x04; // u16
const PAGE_REQUEST_ENABLE: u32 = 1 << 0;
const PASID_CONTROL: u32 = 0x06; // u16
const PASID_ENABLE: u32 = 1 << 0;

/** Whether the function at `page` has a device TLB. */
export function hasDeviceTlb(page: u64): bool {
  return extendedCapabilityAt(page, ExtendedId.AddressTranslation) != 0;
}

/**
 * Switches its device TLB on, for pages of 4 KiB, or off; false if it has none. Page requests and PASIDs, which must not
 * change while ATS is on, are off either way.
 */
export function setDeviceTlbAt(page: u64, on: bool): bool {
  const offset = extendedCapabilityAt(page, ExtendedId.AddressTranslation);
  if (offset != 0) pageChange16(page, offset + ATS_CONTROL, ATS_ENABLE, 0);
  disable(page, ExtendedId.PageRequest, PAGE_REQUEST_CONTROL, PAGE_REQUEST_ENABLE);
  disable(page, ExtendedId.ProcessAddressSpace, PASID_CONTROL, PASID_ENABLE);
  if (offset == 0) return false;
  if (on) pageChange16(page, offset + ATS_CONTROL, SMALLEST_TRANSLATION_UNIT, ATS_ENABLE);
  return true;
}

function disable(page: u64, id: u32, register: u32, bit: u32): void {
  const offset = extendedCapabilityAt(page, id);
  if (offset != 0) pageChange16(page, offset + register, bit, 0);
}
