// What the controls let a guest execute, for CPUID to agree with.

import { LargePage } from "../../memory/page-tree";
import { eptVpidCapabilities, secondaryControls } from "./capability";
import { EptVpidCapability, Secondary } from "./controls";

export function hasRdtscp(): bool { return (secondaryControls() & Secondary.ENABLE_RDTSCP) != 0; }
export function hasInvpcid(): bool { return (secondaryControls() & Secondary.ENABLE_INVPCID) != 0; }

/** LargePage mask that EPT supports here. */
export function secondLevelLargePages(): u32 {
  const capabilities = eptVpidCapabilities();
  let mask: u32 = LargePage.None;
  if (capabilities & EptVpidCapability.PAGES_2M) mask |= LargePage.TwoMegabytes;
  if (capabilities & EptVpidCapability.PAGES_1G) mask |= LargePage.OneGigabyte;
  return mask;
}
