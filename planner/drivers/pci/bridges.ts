// Which bridge each function lies behind. Bus numbers come from firmware and devices: those that lead back or overlap are
// named and not followed, so that every path to the root ends.

import { pageRead8 } from "../../../drivers/pci/config-page";
import { Header } from "../../../drivers/pci/registers";
import { functionAt, functionCount, isBridge, NO_BUS, NO_FUNCTION, PciFunction } from "./table";

let wrong: u32 = NO_FUNCTION;

/** Index of the first bridge whose bus numbers make no tree, NO_FUNCTION if all do. */
export function wrongBridge(): u32 { return wrong; }

/** Reads the bus numbers of all bridges and finds the parent of every function; false if a bridge is wrong. */
export function connectBridges(): bool {
  wrong = NO_FUNCTION;
  for (let i: u32 = 0; i < functionCount(); i++) readBuses(i);
  for (let i: u32 = 0; i < functionCount(); i++) {
    if (overlapsAnother(i)) noteWrong(i);
    functionAt(i).parent = findParent(i);
  }
  return wrong == NO_FUNCTION;
}

function noteWrong(index: u32): void {
  if (wrong == NO_FUNCTION) wrong = index;
}

/** Bus numbers grow on the way down (PCI-to-PCI Bridge 1.2 3.2.5), so that a bridge whose do not is left without a bus. */
function readBuses(index: u32): void {
  const bridge = functionAt(index);
  bridge.secondaryBus = NO_BUS;
  bridge.subordinateBus = 0;
  if (!isBridge(bridge)) return;
  const secondary = pageRead8(bridge.page, Header.SecondaryBus);
  const subordinate = pageRead8(bridge.page, Header.SubordinateBus);
  // Firmware leaves a bridge with nothing behind it at its reset value.
  if (secondary == 0 && subordinate == 0) return;
  if (secondary <= bridge.sourceId >> 8 || secondary > subordinate) return noteWrong(index);
  bridge.secondaryBus = secondary;
  bridge.subordinateBus = subordinate;
}

/** Whether the bus is one behind the bridge. */
export function coversBus(bridge: PciFunction, segment: u32, bus: u32): bool {
  return bridge.segment == segment && bus >= bridge.secondaryBus && bus <= bridge.subordinateBus;
}

/**
 * Two bridges may share buses only if one of them lies behind the other with all its own. The table has lower buses first,
 * so that it is the later one.
 */
function overlapsAnother(index: u32): bool {
  const bridge = functionAt(index);
  if (bridge.secondaryBus == NO_BUS) return false;
  for (let i: u32 = 0; i < index; i++) {
    const other = functionAt(i);
    if (other.segment != bridge.segment || other.secondaryBus == NO_BUS) continue;
    if (other.secondaryBus > bridge.subordinateBus || bridge.secondaryBus > other.subordinateBus) continue;
    if (!isNested(bridge, other)) return true;
  }
  return false;
}

function isNested(inner: PciFunction, outer: PciFunction): bool {
  return coversBus(outer, inner.segment, inner.sourceId >> 8) && inner.subordinateBus <= outer.subordinateBus;
}

/** The innermost bridge with the function's bus behind it; its own bus is lower, so that a path upwards has an end. */
function findParent(index: u32): u32 {
  const child = functionAt(index);
  let parent = NO_FUNCTION;
  let innermost: u32 = 0;
  for (let i: u32 = 0; i < functionCount(); i++) {
    const bridge = functionAt(i);
    if (!coversBus(bridge, child.segment, child.sourceId >> 8) || bridge.secondaryBus <= innermost) continue;
    parent = i;
    innermost = bridge.secondaryBus;
  }
  return parent;
}

/** Whether exactly this function lies behind the bridge above it, and nothing behind the function. */
export function isAloneBehindBridge(index: u32): bool {
  const child = functionAt(index);
  if (child.parent == NO_FUNCTION || isBridge(child)) return false;
  const bridge = functionAt(child.parent);
  for (let i: u32 = 0; i < functionCount(); i++) {
    if (i != index && coversBus(bridge, functionAt(i).segment, functionAt(i).sourceId >> 8)) return false;
  }
  return true;
}
