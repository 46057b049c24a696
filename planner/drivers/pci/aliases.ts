// The source ids with which a function's transactions reach the remapping unit. A bridge from conventional PCI stands in
// for what lies behind it (PCI Express to PCI/PCI-X Bridge 1.0 2.3; VT-d 4.1 3.4.1).

import { ExpressType } from "../../../drivers/pci/registers";
import { functionAt, isBridge, NO_BUS, NO_FUNCTION } from "./table";

export const NO_ALIAS: u32 = 0xffffffff;

// The walk: how many aliases are still to pass, and the one found.
let remaining: u32 = 0;
let found: u32 = NO_ALIAS;

/** Source id number `n` of a function, in its segment; number 0 is its own. NO_ALIAS after the last. */
export function aliasAt(index: u32, n: u32): u32 {
  remaining = n;
  found = NO_ALIAS;
  if (offer(functionAt(index).sourceId)) return found;
  // A bridge from conventional PCI may also use the id of its secondary bus for what it sends itself.
  if (isBridge(functionAt(index)) && functionAt(index).secondaryBus != NO_BUS && offerBridge(index, false)) return found;
  for (let bridge = functionAt(index).parent; bridge != NO_FUNCTION; bridge = functionAt(bridge).parent) {
    if (offerBridge(bridge, true)) return found;
  }
  return NO_ALIAS;
}

export function aliasCount(index: u32): u32 {
  let count: u32 = 0;
  while (aliasAt(index, count) != NO_ALIAS) count++;
  return count;
}

function offer(sourceId: u32): bool {
  if (remaining-- != 0) return false;
  found = sourceId;
  return true;
}

/** The ids under which a bridge passes on what comes from below; true if the one that is looked for is among them. */
function offerBridge(bridge: u32, ownId: bool): bool {
  const type = functionAt(bridge).expressType;
  if (isTransparent(type)) return false;
  if (offer(functionAt(bridge).secondaryBus << 8)) return true;
  // Bridges without a PCI Express capability use either; both belong to the group that the bridge and its buses form.
  return ownId && type != <u32>ExpressType.ExpressToPciBridge && offer(functionAt(bridge).sourceId);
}

/** PCI Express ports keep the source id. */
function isTransparent(type: u32): bool {
  return type == <u32>ExpressType.RootPort || type == <u32>ExpressType.UpstreamPort || type == <u32>ExpressType.DownstreamPort;
}
