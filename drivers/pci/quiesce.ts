// Before translation goes on: no function starts a transaction, and none uses a source id or an address that the kernel
// does not know.

import { setDeviceTlbAt } from "./address-services";
import { capabilityAt, extendedCapabilityAt } from "./capability";
import { pageChange16 } from "./config-page";
import { CapabilityId, DeviceControl, Express, ExtendedId } from "./registers";

/** SR-IOV capability, PCIe 5.0 9.3.3.3. */
const SR_IOV_CONTROL: u32 = 0x08;
const VF_ENABLE: u32 = 1 << 0;

/** Takes from the function at `page` its source ids but its own, its device TLB, page requests and PASIDs. */
export function quiesceAt(page: u64): void {
  disablePhantomFunctions(page);
  disableVirtualFunctions(page);
  setDeviceTlbAt(page, false);
}

/** A function that uses numbers of absent siblings for more tags would have source ids that no table gives to its owner. */
function disablePhantomFunctions(page: u64): void {
  const express = capabilityAt(page, CapabilityId.Express);
  if (express != 0) pageChange16(page, express + Express.DeviceControl, DeviceControl.PhantomFunctionsEnable, 0);
}

/** Virtual functions give no vendor id, so that the scan does not find them. */
function disableVirtualFunctions(page: u64): void {
  const offset = extendedCapabilityAt(page, ExtendedId.SingleRootVirtualization);
  if (offset != 0) pageChange16(page, offset + SR_IOV_CONTROL, VF_ENABLE, 0);
}
