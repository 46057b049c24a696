// Functions that can reach each other without a remapping unit in between belong to one partition, or the system is
// refused. A member that no partition owns cannot master the bus, so that it cannot be made to carry DMA for others.

import { print, sourceName } from "../../kernel/console/print";
import { NO_FUNCTION, functionAt, functionCount, isBridge } from "../drivers/pci/functions";
import { deviceCount, devicePartition, partitionName } from "../../kernel/policy/reader";
import { matchOf } from "./match";
import { refuse } from "./refusal";

/** Refuses devices of different partitions in one group. */
export function checkGroups(): void {
  for (let device: u32 = 1; device < deviceCount(); device++) {
    for (let earlier: u32 = 0; earlier < device; earlier++) {
      if (devicePartition(earlier) != devicePartition(device) && shareGroup(earlier, device)) refusePair(device, earlier);
    }
  }
}

function shareGroup(left: u32, right: u32): bool {
  if (matchOf(left) == NO_FUNCTION || matchOf(right) == NO_FUNCTION) return false;
  return functionAt(matchOf(left)).group == functionAt(matchOf(right)).group;
}

function refusePair(device: u32, other: u32): void {
  const peer = functionAt(matchOf(other));
  refuse(device, "it can reach %s of %n without passing VT-d (no ACS between them); give both to one partition",
    sourceName(peer.segment, peer.sourceId), partitionName(devicePartition(other)));
}

/** Prints each group of more than one function. */
export function printGroups(): void {
  for (let first: u32 = 0; first < functionCount(); first++) {
    if (functionAt(first).group == first && hasFurtherMember(first)) printGroup(first);
  }
}

function hasFurtherMember(first: u32): bool {
  for (let index = first + 1; index < functionCount(); index++) {
    if (functionAt(index).group == first) return true;
  }
  return false;
}

function printGroup(first: u32): void {
  print("pci: not isolated from each other:");
  for (let index = first; index < functionCount(); index++) {
    const member = functionAt(index);
    if (member.group != first) continue;
    print(" %s", sourceName(member.segment, member.sourceId));
    if (isBridge(member)) print(" (bridge)");
  }
  print("\n");
}
