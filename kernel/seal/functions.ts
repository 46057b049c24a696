// The PCI functions that partitions own: the policy gives them, and their BARs reach nobody else's memory.

import { load32 } from "../memory/physical";
import { BARS, PlanFunction, barAddress, barIsIo, barSize, function32, function64, functionCount } from "../partition/plan-functions";
import { DeviceMatch } from "../policy/layout";
import * as policy from "../policy/reader";
import { PAGE_SIZE } from "../memory/layout";
import { claim, refusePlan } from "./claims";

/** Devices of the policy that a function was found for, a bit each. */
let given: u32 = 0;

export function claimFunctions(): void {
  given = 0;
  for (let record: u32 = 0; record < functionCount(); record++) {
    const page = function64(record, PlanFunction.ConfigPage);
    if ((page & (PAGE_SIZE - 1)) != 0) refusePlan("configuration page", page);
    claim(page, PAGE_SIZE);
    if (!isGiven(record) || load32(page) != function32(record, PlanFunction.Identity)) refusePlan("owner of function", record);
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

/** Small BARs of one function may share a page. */
function claimBar(record: u32, bar: u32): void {
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
