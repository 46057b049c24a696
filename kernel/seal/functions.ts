// The PCI functions that partitions own: the policy gives them, and their BARs reach nobody else's memory.

import { pageRead32 } from "../../drivers/pci/config-page";
import { load32, load64 } from "../memory/physical";
import { PlanHeader, header32 } from "../partition/plan";
import { BARS, PlanFunction, barAddress, barIsIo, barSize, barSizeAndFlags, function32, function64, functionCount } from "../partition/plan-functions";
import { planBridge } from "../partition/plan-remapping";
import { DeviceMatch } from "../policy/layout";
import * as policy from "../policy/reader";
import { PAGE_SIZE } from "../memory/layout";
import { claim, refusePlan } from "./claims";

/** Configuration space: BARs, and of a bridge its secondary and subordinate bus (PCI 3.0 6.1, PCI-to-PCI Bridge 1.2 3.2). */
const FIRST_BAR: u64 = 0x10;
const BRIDGE_BUSES: u32 = 0x18;
const IS_64_BIT: u64 = 4;
/** Device and function in the address of a configuration page, PCIe 5.0 7.2.2. */
const DEVICE_SHIFT: u64 = 12;
const DEVICES: u64 = 0xff;

/** Devices of the policy that a function was found for, a bit each. */
let given: u32 = 0;

export function claimFunctions(): void {
  given = 0;
  for (let record: u32 = 0; record < functionCount(); record++) {
    const page = function64(record, PlanFunction.ConfigPage);
    if ((page & (PAGE_SIZE - 1)) != 0) refusePlan("configuration page", page);
    claim(page, PAGE_SIZE);
    if (!isGiven(record) || load32(page) != function32(record, PlanFunction.Identity)) refusePlan("owner of function", record);
    if ((page >> DEVICE_SHIFT & DEVICES) != (function32(record, PlanFunction.SourceId) & <u32>DEVICES)) refusePlan("configuration page", page);
    for (let bar: u32 = 0; bar < BARS; bar++) claimBar(record, bar);
    checkMessages(record);
  }
}

/** Whether a device of the policy, which no other function stands for, is this one. */
function isGiven(record: u32): bool {
  for (let device: u32 = 0; device < policy.deviceCount(); device++) {
    if ((given >> device & 1) != 0 || !isDevice(record, device)) continue;
    given |= <u32>1 << device;
    return true;
  }
  return false;
}

function isDevice(record: u32, device: u32): bool {
  const isOwners = policy.devicePartition(device) == function32(record, PlanFunction.Partition) && policy.deviceFlags(device) == function32(record, PlanFunction.Flags);
  if (policy.deviceMatch(device) == DeviceMatch.Identity) return isOwners && policy.deviceIdentity(device) == function32(record, PlanFunction.Identity);
  return isOwners && policy.deviceSegment(device) == function32(record, PlanFunction.Segment) && policy.deviceSourceId(device) == function32(record, PlanFunction.SourceId);
}

/** Whether the BAR's registers say the same (PCI 3.0 6.2.5). */
function isAsProgrammed(record: u32, bar: u32): bool {
  const register = function64(record, PlanFunction.ConfigPage) + FIRST_BAR + (<u64>bar << 2);
  const flags = barSizeAndFlags(record, bar) - barSize(record, bar);
  const low = <u64>load32(register);
  return (low | ((flags & IS_64_BIT) != 0 && !barIsIo(record, bar) ? <u64>load32(register + 4) << 32 : 0)) == (barAddress(record, bar) | flags);
}

/** Small BARs of one function may share a page. */
function claimBar(record: u32, bar: u32): void {
  if (barSize(record, bar) != 0 && !isAsProgrammed(record, bar)) refusePlan("BAR of function", record);
  if (barIsIo(record, bar)) return;
  for (let other: u32 = 0; other < bar; other++) {
    const isSamePage = (barAddress(record, other) ^ barAddress(record, bar)) < PAGE_SIZE && !barIsIo(record, other);
    if (isSamePage && max(barSize(record, other), barSize(record, bar)) < PAGE_SIZE) return;
  }
  claim(barAddress(record, bar), barSize(record, bar));
}

/** The MSI-X table, which the owner's core maps, lies where the capability says. */
function checkMessages(record: u32): void {
  if (function32(record, PlanFunction.HasMsix) == 0) return;
  const table = function32(record, PlanFunction.MsixTable);
  const bar = table & 7;
  const offset = <u64>(table & ~7);
  const length = <u64>function32(record, PlanFunction.MsixEntries) * 16;
  const fits = bar < BARS && !barIsIo(record, bar) && offset <= barSize(record, bar) && length <= barSize(record, bar) - offset;
  const isThere = fits && function64(record, PlanFunction.MsixAddress) == barAddress(record, bar) + offset;
  if (!isThere || function32(record, PlanFunction.Messages) > function32(record, PlanFunction.MsixEntries)) refusePlan("MSI-X table of function", record);
}

/** The bridge whose bus is reset with the function is one of those above, and that bus has nobody else's function. */
export function checkBridge(record: u32): void {
  const page = function64(record, PlanFunction.Bridge);
  if (page == 0) return;
  let known: u32 = 0;
  while (known < header32(PlanHeader.BridgeCount) && load64(planBridge(known)) != page) known++;
  if (known == header32(PlanHeader.BridgeCount)) return refusePlan("bridge of function", record);
  const buses = pageRead32(page, BRIDGE_BUSES);
  if ((buses >> 8 & 0xff) != function32(record, PlanFunction.SourceId) >> 8) refusePlan("bridge of function", record);
  for (let other: u32 = 0; other < functionCount(); other++) {
    const bus = function32(other, PlanFunction.SourceId) >> 8;
    const isBehind = function32(other, PlanFunction.Segment) == function32(record, PlanFunction.Segment) && bus >= (buses >> 8 & 0xff) && bus <= (buses >> 16 & 0xff);
    if (isBehind && function32(other, PlanFunction.Partition) != function32(record, PlanFunction.Partition)) refusePlan("bridge of function", record);
  }
}
