// Remapping units: DRHD, VT-d 4.1 8.3.
//
// Of 325 DMAR tables of real machines looked at (github.com/linuxhw/ACPI, commit d6d30c6) two have a unit at address 0. They are refused: the
// functions of that unit could not be kept from anything. None has a unit twice, a unit after the one with INCLUDE_PCI_ALL or two of those; which
// unit then serves a function would be a guess, so these are refused too.

import { load8, load16, load64 } from "../../../kernel/memory/physical";
import { isAddressable } from "./header";
import { Drhd, DrhdFlag, Structure } from "./layout";
import { addUnit, ScopeOwner, unitCount, unitIncludesAll, unitRegisters, unitRegistersSize, unitSegment } from "./records";
import { parseScopes } from "./scopes";
import { DmarStatus, refuse } from "./status";

const PAGE_SIZE: u64 = 4096;
const SIZE_MASK: u8 = 15;

/** Reads the DRHD of `length` bytes at `offset`. */
export function parseUnit(table: u64, offset: u32, length: u32): DmarStatus {
  const structure = table + offset;
  const registers = load64(structure + Drhd.Registers);
  const size = PAGE_SIZE << (load8(structure + Drhd.Size) & SIZE_MASK);
  const segment: u32 = load16(structure + Structure.Segment);
  const placement = checkPlacement(registers, size);
  if (placement != DmarStatus.Done) return refuse(offset, placement);
  const includesAll = (load8(structure + Drhd.Flags) & <u8>DrhdFlag.INCLUDE_PCI_ALL) != 0;
  const order = checkOrder(segment, includesAll);
  if (order != DmarStatus.Done) return refuse(offset, order);
  if (!addUnit(registers, size, segment, includesAll)) return refuse(offset, DmarStatus.TooManyUnits);
  return parseScopes(table, offset + Drhd.Scopes, offset + length, ScopeOwner.Unit, unitCount() - 1);
}

function checkPlacement(registers: u64, size: u64): DmarStatus {
  if (registers == 0 || registers % PAGE_SIZE != 0) return DmarStatus.UnitAddress;
  const last = registers + (size - 1);
  if (last < registers || !isAddressable(last)) return DmarStatus.UnitBeyondWidth;
  for (let i: u32 = 0; i < unitCount(); i++) {
    if (registers < unitRegisters(i) + unitRegistersSize(i) && unitRegisters(i) <= last) return DmarStatus.UnitOverlap;
  }
  return DmarStatus.Done;
}

/** Refuses a unit after the one that takes the rest of its segment; a second such unit is one of those. */
function checkOrder(segment: u32, includesAll: bool): DmarStatus {
  for (let i: u32 = 0; i < unitCount(); i++) {
    if (unitSegment(i) == segment && unitIncludesAll(i)) return includesAll ? DmarStatus.IncludeAllTwice : DmarStatus.IncludeAllNotLast;
  }
  return DmarStatus.Done;
}
