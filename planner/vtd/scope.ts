// Which unit serves which source id: the device scopes of the DMAR table, VT-d 4.1 8.3.1, followed through the bridges.

import {
  RecordKind, ScopeKind, recordAt, recordCount, scopeBus, scopeCount, scopeKind, scopeOwner, scopeOwnerKind, scopePathDevice, scopePathFunction,
  scopePathLength, unitIncludesAll,
} from "../drivers/acpi/dmar/records";
import { coversBus } from "../drivers/pci/bridges";
import { NO_FUNCTION, findFunction, functionAt } from "../drivers/pci/functions";
import { unitAt, unitCount } from "../../kernel/vtd/unit";

export const NO_UNIT: u32 = 0xffffffff;
export const NO_SOURCE_ID: u32 = 0xffffffff;

/** Source id of what the scope's path leads to; NO_SOURCE_ID if a bridge on the way is not there. */
export function scopeSourceId(scope: u32, segment: u32): u32 {
  let bus = scopeBus(scope);
  const last = scopePathLength(scope) - 1;
  for (let hop: u32 = 0; hop < last; hop++) {
    const bridge = findFunction(segment, sourceIdOf(bus, scope, hop));
    if (bridge == NO_FUNCTION) return NO_SOURCE_ID;
    bus = functionAt(bridge).secondaryBus;
  }
  return sourceIdOf(bus, scope, last);
}

function sourceIdOf(bus: u32, scope: u32, hop: u32): u32 {
  return (bus << 8) | (scopePathDevice(scope, hop) << 3) | scopePathFunction(scope, hop);
}

/** Index of the unit that serves a source id: the one that names it or a bridge above it, else the one for all the rest. */
export function unitOf(segment: u32, sourceId: u32): u32 {
  for (let scope: u32 = 0; scope < scopeCount(); scope++) {
    if (scopeOwnerKind(scope) != RecordKind.Unit) continue;
    const unit = scopeOwner(scope);
    if (unitAt(unit).segment == segment && covers(scope, segment, sourceId)) return unit;
  }
  for (let unit: u32 = 0; unit < unitCount(); unit++) {
    if (unitAt(unit).segment == segment && unitIncludesAll(unit)) return unit;
  }
  return NO_UNIT;
}

/** Whether a scope means this source id, or a bridge that it lies behind. */
function covers(scope: u32, segment: u32, sourceId: u32): bool {
  const named = scopeSourceId(scope, segment);
  if (named == NO_SOURCE_ID) return false;
  if (named == sourceId) return scopeKind(scope) == ScopeKind.Endpoint || scopeKind(scope) == ScopeKind.Bridge;
  if (scopeKind(scope) != ScopeKind.Bridge) return false;
  const bridge = findFunction(segment, named);
  return bridge != NO_FUNCTION && coversBus(functionAt(bridge), segment, sourceId >> 8);
}

/** Whether reserved memory `index` is for the device with this source id. */
export function reservedMemoryIsFor(index: u32, segment: u32, sourceId: u32): bool {
  if (recordAt(RecordKind.ReservedMemory, index).segment != segment) return false;
  for (let scope: u32 = 0; scope < scopeCount(); scope++) {
    if (scopeOwnerKind(scope) != RecordKind.ReservedMemory || scopeOwner(scope) != index) continue;
    if (covers(scope, segment, sourceId)) return true;
  }
  return false;
}

/**
 * Whether the platform lets the function use a device TLB: it is part of the root complex, or an ATSR or SATC structure
 * names its root port or the function (VT-d 4.1 8.5 and 8.8).
 */
export function mayUseDeviceTlb(index: u32): bool {
  const pciFunction = functionAt(index);
  if (pciFunction.parent == NO_FUNCTION) return true;
  for (let i: u32 = 0; i < recordCount(RecordKind.RootPortAts); i++) {
    const rootPorts = recordAt(RecordKind.RootPortAts, i);
    if (rootPorts.segment == pciFunction.segment && rootPorts.detail != 0) return true; // ALL_PORTS
  }
  for (let scope: u32 = 0; scope < scopeCount(); scope++) {
    if (namesDeviceTlb(scope, pciFunction.segment) && covers(scope, pciFunction.segment, pciFunction.sourceId)) return true;
  }
  return false;
}

/** Whether the scope belongs to an ATSR or SATC structure of the segment. */
function namesDeviceTlb(scope: u32, segment: u32): bool {
  const kind = scopeOwnerKind(scope);
  if (kind != RecordKind.RootPortAts && kind != RecordKind.SocAddressTranslation) return false;
  return recordAt(kind, scopeOwner(scope)).segment == segment;
}
