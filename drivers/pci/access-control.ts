// Access Control Services of one function, PCIe 5.0 7.7.8: what it sends to a peer goes through the remapping unit.

import { extendedCapabilityAt } from "./capability";
import { pageRead16, pageWrite16 } from "./config-page";
import { ExtendedId } from "./registers";

const CAPABILITY: u32 = 0x04; // u16
const CONTROL: u32 = 0x06; // u16

/** Bits of both registers. */
const enum AccessControl {
  SourceValidation = 1 << 0, // V
  RequestRedirect = 1 << 2, // R
  CompletionRedirect = 1 << 3, // C
  UpstreamForwarding = 1 << 4, // U
  /** All that isolation needs. Without DirectTranslated, translated requests are redirected too. */
  Isolation = 0x1d,
}

/**
 * Switches on what isolates the function at `page` and all else off; whether it is isolated then. What the capability
 * lacks the function does always or has no use for (PCIe 5.0 6.12.1), so that only a missing capability is none.
 */
export function enableAccessControl(page: u64): bool {
  const offset = extendedCapabilityAt(page, ExtendedId.AccessControl);
  if (offset == 0) return false;
  const wanted = pageRead16(page, offset + CAPABILITY) & <u32>AccessControl.Isolation;
  pageWrite16(page, offset + CONTROL, wanted);
  return (pageRead16(page, offset + CONTROL) & <u32>AccessControl.Isolation) == wanted;
}
