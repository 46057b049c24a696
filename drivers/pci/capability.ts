// Capability lists, PCI 3.0 6.7 and PCIe 5.0 7.6.3. A list that a device closes to a ring is left after as many steps as
// configuration space has places.

import { isExtendedPage, pageRead16, pageRead32, pageRead8 } from "./config-page";
import { CapabilityId, Header, HeaderLayout, Status } from "./registers";

const FIRST_CAPABILITY: u32 = 0x40;
const MAXIMUM_CAPABILITIES: u32 = 48;
const FIRST_EXTENDED: u32 = 0x100;
const MAXIMUM_EXTENDED: u32 = 960;
/** What an absent device gives. */
const ABSENT_16: u32 = 0xffff;
const ABSENT_32: u32 = 0xffffffff;

/** Offset of the first capability `id` of the function at `page`, 0 if it has none. */
export function capabilityAt(page: u64, id: u32): u32 {
  const status = pageRead16(page, Header.Status);
  if (status == ABSENT_16 || (status & Status.CapabilitiesList) == 0) return 0;
  let offset = pageRead8(page, firstPointer(page)) & 0xfc;
  for (let step: u32 = 0; step < MAXIMUM_CAPABILITIES; step++) {
    if (offset < FIRST_CAPABILITY) return 0;
    const header = pageRead16(page, offset);
    if (header == ABSENT_16) return 0;
    if ((header & 0xff) == id) return offset;
    offset = (header >> 8) & 0xfc;
  }
  return 0;
}

/** The register that points to the first capability. */
function firstPointer(page: u64): u32 {
  const layout = pageRead8(page, Header.HeaderType) & <u32>HeaderLayout.Mask;
  return layout == <u32>HeaderLayout.CardBus ? Header.CardBusCapabilities : Header.Capabilities;
}

/** Offset of the first extended capability `id`, 0 if there is none or offsets from 256 on cannot be reached. */
export function extendedCapabilityAt(page: u64, id: u32): u32 {
  // Behind some bridges a conventional function shows its 256 bytes again and again, which would be taken for a list.
  if (!isExtendedPage(page) || capabilityAt(page, CapabilityId.Express) == 0) return 0;
  let offset: u32 = FIRST_EXTENDED;
  for (let step: u32 = 0; step < MAXIMUM_EXTENDED; step++) {
    if (offset < FIRST_EXTENDED) return 0;
    const header = pageRead32(page, offset);
    if (header == 0 || header == ABSENT_32) return 0;
    if ((header & 0xffff) == id) return offset;
    offset = (header >> 20) & 0xffc;
  }
  return 0;
}
