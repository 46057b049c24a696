// Memory of the PCI functions that partitions own: their BARs, which reach nobody else's.

import { BARS, PlanFunction, barAddress, barIsIo, barSize, function32, function64, functionCount } from "../partition/plan-functions";
import { partitionCount } from "../policy/reader";
import { PAGE_SIZE } from "../memory/layout";
import { claim, refusePlan } from "./claims";

export function claimFunctions(): void {
  for (let record: u32 = 0; record < functionCount(); record++) {
    if (function32(record, PlanFunction.Partition) >= partitionCount()) refusePlan("owner of a function", record);
    for (let bar: u32 = 0; bar < BARS; bar++) claimBar(record, bar);
    checkMessages(record);
  }
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
