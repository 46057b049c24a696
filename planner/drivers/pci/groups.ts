// Isolation groups: functions that can reach each other, or whose transactions cannot be told apart, before the remapping
// unit sees them. A group has one owner.

import { enableAccessControl } from "./access-control";
import { ExpressType } from "../../../drivers/pci/registers";
import { functionAt, functionCount, NO_FUNCTION } from "./table";

/** Switches ACS on wherever it is and gives each function its group: the index of the group's lowest function. */
export function groupFunctions(): void {
  for (let i: u32 = 0; i < functionCount(); i++) {
    functionAt(i).accessControl = enableAccessControl(functionAt(i).page) ? 1 : 0;
    functionAt(i).group = i;
  }
  for (let i: u32 = 0; i < functionCount(); i++) {
    joinBridges(i);
    joinSiblings(i);
  }
}

/** A bridge that does not send everything up lets what lies behind it meet: all of that shares its group. */
function joinBridges(index: u32): void {
  for (let bridge = functionAt(index).parent; bridge != NO_FUNCTION; bridge = functionAt(bridge).parent) {
    if (!isolates(bridge)) join(index, bridge);
  }
}

/** Functions of one device may have a way to each other inside it, unless ACS governs that way. */
function joinSiblings(index: u32): void {
  if (functionAt(index).accessControl != 0) return;
  for (let i: u32 = 0; i < index; i++) {
    if (functionAt(i).accessControl == 0 && areOneDevice(i, index)) join(i, index);
  }
}

/** Conventional bridges, and those to and from PCI, have one bus for all and know no ACS. */
function isolates(bridge: u32): bool {
  switch (functionAt(bridge).expressType) {
    case ExpressType.RootPort:
    case ExpressType.DownstreamPort:
      return functionAt(bridge).accessControl != 0;
    case ExpressType.UpstreamPort:
      return functionAt(bridge).accessControl != 0 || !hasSibling(bridge);
    default:
      return false;
  }
}

function hasSibling(index: u32): bool {
  for (let i: u32 = 0; i < functionCount(); i++) {
    if (i != index && areOneDevice(i, index)) return true;
  }
  return false;
}

/** Behind a PCI Express port is one device, which with ARI has functions under all device numbers. */
function areOneDevice(a: u32, b: u32): bool {
  const first = functionAt(a);
  const second = functionAt(b);
  if (first.segment != second.segment || first.sourceId >> 8 != second.sourceId >> 8) return false;
  if (first.sourceId >> 3 == second.sourceId >> 3) return true;
  if (first.parent == NO_FUNCTION) return false;
  const port = functionAt(first.parent).expressType;
  return port == <u32>ExpressType.RootPort || port == <u32>ExpressType.DownstreamPort;
}

/** Makes one group of two. */
function join(a: u32, b: u32): void {
  const low = min(functionAt(a).group, functionAt(b).group);
  const high = max(functionAt(a).group, functionAt(b).group);
  if (low == high) return;
  for (let i: u32 = 0; i < functionCount(); i++) {
    if (functionAt(i).group == high) functionAt(i).group = low;
  }
}
