// Reset of one function, given by its page: it comes back as firmware or the kernel set it up, without what its last
// owner left in it. A core that maps nothing else of PCI can reset its own function.

import { delayMicroseconds } from "../tsc";
import { setBusMasterAt } from "./command";
import { capabilityAt } from "./capability";
import { pageChange16, pageRead16, pageRead32, pageRead8, pageWrite8 } from "./config-page";
import { BridgeControl, CapabilityId, DeviceControl, DeviceStatus, Express, Header } from "./registers";
import { AdvancedFeatures, PowerControl, PowerManagement, ResetMethod, resetMethodAt } from "./reset-method";
import { restoreState, saveState } from "./saved-state";

export const enum ResetStatus {
  Done = 0,
  /** The function has no way to be reset. */
  NoMethod = 1,
  /** The function does not answer, before the reset or READY_LIMIT after it. Its registers are not restored. */
  NotReady = 2,
  /** It was reset with transactions that it never ended: late completions may still come. */
  TransactionsPending = 3,
}

const MILLISECOND: u64 = 1000;
/** Longest wait for transactions to end, as long as the longest common completion time-out. */
const PENDING_LIMIT: u32 = 1000; // ms
/** What the function has for its reset, PCIe 5.0 6.6.2. */
const FUNCTION_RESET: u64 = 100 * MILLISECOND;
/** A change to or from D3hot, PCI Power Management 1.2 5.6.1. */
const POWER_CHANGE: u64 = 10 * MILLISECOND;
/** The bus stays in reset so long (at least 1 ms, PCI-to-PCI Bridge 1.2 11.1), then devices start (PCI 3.0 4.3.2, Trhfa). */
const BUS_RESET: u64 = 2 * MILLISECOND;
const BUS_START: u64 = 1000 * MILLISECOND;
/** Configuration requests may be told to come again for longer: some disks take seconds. */
const READY_LIMIT: u32 = 10_000; // ms

/** Vendor id of a function that asks to come again (CRS), PCIe 5.0 2.3.2. */
const RETRY_VENDOR: u32 = 0x0001;
const ABSENT: u32 = 0xffffffff;
const INITIATE_ADVANCED_RESET: u32 = 1 << 0;
const ADVANCED_PENDING: u32 = 1 << 0;

/** Resets the function at `page`; `bridge` as for resetMethodAt(). Afterwards its bus mastering is off. */
export function resetFunctionAt(page: u64, bridge: u64): ResetStatus {
  if (!isReady(page)) return ResetStatus.NotReady;
  const method = resetMethodAt(page, bridge);
  if (method == ResetMethod.None) return ResetStatus.NoMethod;
  saveState(page);
  setBusMasterAt(page, false);
  enterPowerState(page, 0);
  const isDrained = drain(page);
  carryOut(method, page, bridge);
  if (!becomesReady(page)) return ResetStatus.NotReady;
  restoreState(page);
  return isDrained ? ResetStatus.Done : ResetStatus.TransactionsPending;
}

function isReady(page: u64): bool {
  const vendor = pageRead32(page, Header.VendorId);
  return vendor != ABSENT && (vendor & 0xffff) != RETRY_VENDOR;
}

function becomesReady(page: u64): bool {
  for (let waited: u32 = 0; waited < READY_LIMIT; waited++) {
    if (isReady(page)) return true;
    delayMicroseconds(MILLISECOND);
  }
  return false;
}

/** Waits until the function has no transaction under way; false if it always has. */
function drain(page: u64): bool {
  for (let waited: u32 = 0; waited < PENDING_LIMIT; waited++) {
    if (!hasPending(page)) return true;
    delayMicroseconds(MILLISECOND);
  }
  return false;
}

function hasPending(page: u64): bool {
  const express = capabilityAt(page, CapabilityId.Express);
  if (express != 0) return (pageRead16(page, express + Express.DeviceStatus) & DeviceStatus.TransactionsPending) != 0;
  const advanced = capabilityAt(page, CapabilityId.AdvancedFeatures);
  return advanced != 0 && (pageRead8(page, advanced + AdvancedFeatures.Status) & ADVANCED_PENDING) != 0;
}

function carryOut(method: ResetMethod, page: u64, bridge: u64): void {
  switch (method) {
    case ResetMethod.FunctionLevel: return resetExpress(page);
    case ResetMethod.AdvancedFeatures: return resetAdvanced(page);
    case ResetMethod.PowerManagement: return resetByPower(page);
    default: return resetBus(bridge);
  }
}

function resetExpress(page: u64): void {
  const control = capabilityAt(page, CapabilityId.Express) + Express.DeviceControl;
  pageChange16(page, control, 0, DeviceControl.InitiateFunctionLevelReset);
  delayMicroseconds(FUNCTION_RESET);
}

function resetAdvanced(page: u64): void {
  pageWrite8(page, capabilityAt(page, CapabilityId.AdvancedFeatures) + AdvancedFeatures.Control, INITIATE_ADVANCED_RESET);
  delayMicroseconds(FUNCTION_RESET);
}

function resetByPower(page: u64): void {
  enterPowerState(page, PowerControl.D3Hot);
  enterPowerState(page, 0);
}

/** Does nothing where the function is in this state, or has no power management. */
function enterPowerState(page: u64, state: u32): void {
  const offset = capabilityAt(page, CapabilityId.PowerManagement);
  if (offset == 0) return;
  const control = offset + PowerManagement.Control;
  if ((pageRead16(page, control) & PowerControl.State) == state) return;
  pageChange16(page, control, PowerControl.State, state);
  delayMicroseconds(POWER_CHANGE);
}

function resetBus(bridge: u64): void {
  pageChange16(bridge, Header.BridgeControl, 0, BridgeControl.SecondaryBusReset);
  delayMicroseconds(BUS_RESET);
  pageChange16(bridge, Header.BridgeControl, BridgeControl.SecondaryBusReset, 0);
  delayMicroseconds(BUS_START);
}
