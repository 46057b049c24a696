// The sizes of pages that EPT has on this processor.

import { LargePage } from "../memory/page-tree";
import { eptVpidCapabilities } from "../../kernel/cpu/vmx/capability";
import { EptVpidCapability } from "../../kernel/cpu/vmx/controls";

/** LargePage mask that EPT supports here. */
export function secondLevelLargePages(): u32 {
  const capabilities = eptVpidCapabilities();
  let mask: u32 = LargePage.None;
  if (capabilities & EptVpidCapability.PAGES_2M) mask |= LargePage.TwoMegabytes;
  if (capabilities & EptVpidCapability.PAGES_1G) mask |= LargePage.OneGigabyte;
  return mask;
}
