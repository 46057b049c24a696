// DMA Remapping Reporting table, VT-d 4.1 chapter 8: the remapping units and what they serve.
//
// One thing wrong refuses the whole table: half a list of units would leave functions that no unit holds back.

import { load8, load16, load32, load64 } from "../../../kernel/memory/physical";
import { AcpiStatus, findTable, tableLength, tableStatus } from "../tables";
import { clearHeader, parseHeader } from "./header";
import { Andd, Atsr, AtsrFlag, DMAR, Drhd, Rhsa, Rmrr, Satc, SatcFlag, Structure, StructureType, Table } from "./layout";
import {
  addAcpiDevice, addProximity, addRootPortAts, addSocAddressTranslation, clearRecords, rootPortAtsCount, ScopeOwner, socAddressTranslationCount,
  unitCount,
} from "./records";
import { parseReservedMemory } from "./reserved-memory";
import { parseScopes } from "./scopes";
import { clearFailure, DmarStatus, refuse } from "./status";
import { parseUnit } from "./unit";

export { hostAddressWidth, interruptRemappingAllowed, x2ApicOptOut } from "./header";
export { dmarFailureOffset, DmarStatus, dmarStatusText } from "./status";

/** Reads the DMAR table into the records. After a failure there are no records, and dmarFailureOffset() says where the table is wrong. */
export function parseDmar(): DmarStatus {
  clear();
  clearFailure();
  const table = findTable(DMAR);
  if (table == 0) {
    if (tableStatus(DMAR) == AcpiStatus.TableMissing) return DmarStatus.Missing;
    return refuse(Table.Length, DmarStatus.TableMalformed);
  }
  const status = parseTable(table, tableLength(table));
  if (status != DmarStatus.Done) clear();
  return status;
}

function clear(): void {
  clearHeader();
  clearRecords();
}

function parseTable(table: u64, length: u32): DmarStatus {
  if (length < <u32>Table.Structures) return refuse(Table.Length, DmarStatus.TableTooShort);
  let status = parseHeader(table);
  let offset: u32 = Table.Structures;
  while (status == DmarStatus.Done && offset < length) {
    status = checkStructure(table, offset, length);
    if (status != DmarStatus.Done) return status;
    const size: u32 = load16(table + offset + Structure.Length);
    status = parseStructure(table, offset, size);
    offset += size;
  }
  if (status == DmarStatus.Done && unitCount() == 0) return refuse(Table.Length, DmarStatus.NoUnit);
  return status;
}

/** Done if the structure at `offset` has its fields and lies in the table; then it is not empty either. */
function checkStructure(table: u64, offset: u32, length: u32): DmarStatus {
  if (length - offset < <u32>Structure.Size) return refuse(offset, DmarStatus.StructureTruncated);
  const size: u32 = load16(table + offset + Structure.Length);
  if (size < minimumSize(load16(table + offset))) return refuse(offset, DmarStatus.StructureTooShort);
  if (size > length - offset) return refuse(offset, DmarStatus.StructureBeyondTable);
  return DmarStatus.Done;
}

/** Bytes of the fields that every structure of a type has. */
function minimumSize(type: u32): u32 {
  switch (type) {
    case StructureType.DRHD: return Drhd.Scopes;
    case StructureType.RMRR: return Rmrr.Scopes;
    case StructureType.ATSR: return Atsr.Scopes;
    case StructureType.RHSA: return Rhsa.Size;
    case StructureType.ANDD: return Andd.Name;
    case StructureType.SATC: return Satc.Scopes;
    default: return Structure.Size;
  }
}

function parseStructure(table: u64, offset: u32, size: u32): DmarStatus {
  switch (<u32>load16(table + offset)) {
    case StructureType.DRHD: return parseUnit(table, offset, size);
    case StructureType.RMRR: return parseReservedMemory(table, offset, size);
    case StructureType.ATSR: return parseRootPortAts(table, offset, size);
    case StructureType.RHSA: return parseProximity(table, offset);
    case StructureType.ANDD: return parseAcpiDevice(table, offset);
    case StructureType.SATC: return parseSocAddressTranslation(table, offset, size);
    // 8.2: software skips structures of a type that it does not know. SIDP (8.9) forbids functions nested translation and the PASID entry bits PWSNP
    // and PGSNP, none of which the kernel uses.
    default: return DmarStatus.Done;
  }
}

function parseRootPortAts(table: u64, offset: u32, size: u32): DmarStatus {
  const structure = table + offset;
  const allPorts = (load8(structure + Atsr.Flags) & <u8>AtsrFlag.ALL_PORTS) != 0;
  if (!addRootPortAts(load16(structure + Structure.Segment), allPorts)) return refuse(offset, DmarStatus.TooManyRootPortAts);
  return parseScopes(table, offset + Atsr.Scopes, offset + size, ScopeOwner.RootPortAts, rootPortAtsCount() - 1);
}

function parseProximity(table: u64, offset: u32): DmarStatus {
  const structure = table + offset;
  if (addProximity(load64(structure + Rhsa.Registers), load32(structure + Rhsa.ProximityDomain))) return DmarStatus.Done;
  return refuse(offset, DmarStatus.TooManyProximities);
}

function parseAcpiDevice(table: u64, offset: u32): DmarStatus {
  if (addAcpiDevice(load8(table + offset + Andd.DeviceNumber))) return DmarStatus.Done;
  return refuse(offset, DmarStatus.TooManyAcpiDevices);
}

function parseSocAddressTranslation(table: u64, offset: u32, size: u32): DmarStatus {
  const structure = table + offset;
  const required = (load8(structure + Satc.Flags) & <u8>SatcFlag.ATC_REQUIRED) != 0;
  if (!addSocAddressTranslation(load16(structure + Structure.Segment), required)) return refuse(offset, DmarStatus.TooManySocAddressTranslations);
  return parseScopes(table, offset + Satc.Scopes, offset + size, ScopeOwner.SocAddressTranslation, socAddressTranslationCount() - 1);
}
