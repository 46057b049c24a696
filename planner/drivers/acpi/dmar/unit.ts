// Remapping units: DRHD, VT-d 4.1 8.3.
//
// Of 325 DMAR tables of real machines looked at (github.com/linuxhw/ACPI, commit d6d30c6) two have a unit at address 0. They are refused: the
// functions of that unit could not be kept from anything. None has a unit twice, a unit after the one with INCLUDE_PCI_ALL or two of those; which
// unit then serves a function would be a guess, so these are refused too.

import { load8, load16, load64 } from "../../../../kernel/memory/physical";
import { isAddressable } from "./header";
import { Drhd, DrhdFlag, Structure } from "./layout";
import { addRecord, RecordKind, unitCount, unitIncludesAll, unitRegisters, unitRegistersSize, unitSegment } from "./records";
import { parseScopes } from "./scopes";
import { refuse } from "./status";

const PAGE_SIZE: u64 = 4096;
const SIZE_MASK: u8 = 15;

/** Reads the DRHD of `length` bytes at `offset`. */
export function parseUnit(table: u64, offset: u32, length: u32): bool {
  const structure = table + offset;
  const registers = load64(structure + Drhd.Registers);
  const size = PAGE_SIZE << (load8(structure + Drhd.Size) & SIZE_MASK);
  const segment: u32 = load16(structure + Structure.Segment);
  const includesAll: u32 = load8(structure + Drhd.Flags) & <u8>DrhdFlag.INCLUDE_PCI_ALL;
  if (!checkPlacement(offset, registers, size) || !checkOrder(offset, segment, includesAll != 0)) return false;
  if (!addRecord(offset, RecordKind.Unit, registers, size, segment, includesAll)) return false;
  return parseScopes(table, offset + Drhd.Scopes, offset + length, RecordKind.Unit, unitCount() - 1);
}

function checkPlacement(offset: u32, registers: u64, size: u64): bool {
  if (registers == 0 || registers % PAGE_SIZE != 0) return refuse(offset, "a remapping unit's registers are at address 0 or not page-aligned");
  const last = registers + (size - 1);
  if (last < registers || !isAddressable(last)) return refuse(offset, "a remapping unit's registers lie beyond the host address width");
  for (let i: u32 = 0; i < unitCount(); i++) {
    const overlaps = registers < unitRegisters(i) + unitRegistersSize(i) && unitRegisters(i) <= last;
    if (overlaps) return refuse(offset, "the registers of two remapping units overlap");
  }
  return true;
}

/** Refuses a unit after the one that takes the rest of its segment; a second such unit is one of those. */
function checkOrder(offset: u32, segment: u32, includesAll: bool): bool {
  for (let i: u32 = 0; i < unitCount(); i++) {
    if (unitSegment(i) != segment || !unitIncludesAll(i)) continue;
    if (includesAll) return refuse(offset, "two remapping units of a segment have INCLUDE_PCI_ALL");
    return refuse(offset, "the remapping unit with INCLUDE_PCI_ALL is not the last of its segment");
  }
  return true;
}
