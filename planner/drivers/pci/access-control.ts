// Access Control Services of one function, PCIe 5.0 7.7.8: what it sends to a peer goes through the remapping unit.

import { extendedCapabilityAt } from "../../../drivers/pci/capability";
import { pageRead16, pageWrite16 } from "../../../drivers/pci/config-page";
import { ExtendedId } from "../../../drivers/pci/registers";

const CAPABILITY: u32 = 0x04; // u16
const CONTROL: u32 = 0x06; // u16

/**
 * What isolation needs, in both registers: source validation (bit 0), request and completion redirect (bits 2 and 3) and upstream
 * forwarding (bit 4). Without direct translated P2P, translated requests are redirected too.
 */
const ISOLATION: u32 = 0x1d;

/**
 * Switches on what isolates the function at `page` and all else off; whether it is isolated then. What the capability
 * lacks the function does always or has no use for (PCIe 5.0 6.12.1), so that only a missing capability is none.
 */
export function enableAccessControl(page: u64): bool {
  const offset = extendedCapabilityAt(page, ExtendedId.AccessControl);
  if (offset == 0) return false;
  const wanted = pageRead16(page, offset + CAPABILITY) & ISOLATION;
  pageWrite16(page, offset + CONTROL, wanted);
  return (pageRead16(page, offset + CONTROL) & ISOLATION) == wanted;
}
