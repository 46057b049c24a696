// Which way to reset a function there is.

import { capabilityAt } from "./capability";
import { NO_PAGE, pageRead32, pageRead8 } from "./config-page";
import { CapabilityId, DeviceCapability, Express } from "./registers";

/** From the one that concerns the function alone to the one for all behind a bridge. */
export const enum ResetMethod {
  None = 0,
  /** FLR, PCIe 5.0 6.6.2. */
  FunctionLevel = 1,
  /** FLR of a conventional function, PCI Advanced Capabilities ECN. */
  AdvancedFeatures = 2,
  /** From D3hot to D0, PCI Power Management 1.2 5.4. */
  PowerManagement = 3,
  /** Reset of the bus behind the bridge above. */
  SecondaryBus = 4,
}

/** Power management capability, PCI Power Management 1.2 3.2. */
export const enum PowerManagement {
  Control = 0x04, // PMCSR, u16
}

/** PMCSR. */
export const enum PowerControl {
  State = 3,
  D3Hot = 3,
  NoSoftReset = 1 << 3,
}

/** Advanced features capability. */
export const enum AdvancedFeatures {
  Capabilities = 0x03, // u8
  Control = 0x04, // u8
  Status = 0x05, // u8
}
/** AF capabilities: it tells pending transactions (TP) and has a reset (FLR). */
const TRANSACTIONS_PENDING_CAPABLE: u32 = 1 << 0;
const RESET_CAPABLE: u32 = 1 << 1;

/**
 * The best way to reset the function at `page`. `bridge` is the page of the bridge above if nothing else lies behind it
 * (isAloneBehindBridge()), else NO_PAGE.
 */
export function resetMethodAt(page: u64, bridge: u64): ResetMethod {
  if (canResetFunction(page)) return ResetMethod.FunctionLevel;
  if (hasAdvancedReset(page)) return ResetMethod.AdvancedFeatures;
  if (losesStateInD3(page)) return ResetMethod.PowerManagement;
  return bridge != NO_PAGE ? ResetMethod.SecondaryBus : ResetMethod.None;
}

function canResetFunction(page: u64): bool {
  const express = capabilityAt(page, CapabilityId.Express);
  if (express == 0) return false;
  return (pageRead32(page, express + Express.DeviceCapabilities) & DeviceCapability.FunctionLevelReset) != 0;
}

function hasAdvancedReset(page: u64): bool {
  const offset = capabilityAt(page, CapabilityId.AdvancedFeatures);
  if (offset == 0) return false;
  const needed = TRANSACTIONS_PENDING_CAPABLE | RESET_CAPABLE;
  return (pageRead8(page, offset + AdvancedFeatures.Capabilities) & needed) == needed;
}

function losesStateInD3(page: u64): bool {
  const offset = capabilityAt(page, CapabilityId.PowerManagement);
  return offset != 0 && (pageRead8(page, offset + PowerManagement.Control) & PowerControl.NoSoftReset) == 0;
}
