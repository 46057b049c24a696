// DMA Remapping Reporting table, VT-d 4.1 chapter 8: the remapping units and what they serve.
//
// One thing wrong refuses the whole table: half a list of units would leave functions that no unit holds back.

import { load8, load16, load32, load64 } from "../../../../kernel/memory/physical";
import { AcpiStatus, findTable, tableLength, tableStatus } from "../tables";
import { clearHeader, parseHeader } from "./header";
import { Atsr, DMAR, Rhsa, Structure, StructureType, Table } from "./layout";
import { addRecord, clearRecords, RecordKind, recordCount, unitCount } from "./records";
import { parseReservedMemory } from "./reserved-memory";
import { parseScopes } from "./scopes";
import { clearFailure, refuse } from "./status";
import { parseUnit } from "./unit";

export { hostAddressWidth, interruptRemappingAllowed } from "./header";
export { dmarFailure, dmarFailureOffset } from "./status";

/** Bytes of the fields that every structure of a type has: DRHD, RMRR, ATSR, RHSA, ANDD and SATC, 8.3 to 8.8. */
const MINIMUM_SIZES: usize = memory.data<u8>([16, 24, 8, 20, 8, 8]);

/** Whether the machine has a DMAR table, good or not. */
export function hasDmar(): bool {
  return tableStatus(DMAR) != AcpiStatus.TableMissing;
}

/** Reads the DMAR table into the records. False: there are none, and dmarFailure() says why, dmarFailureOffset() where. */
export function parseDmar(): bool {
  clear();
  clearFailure();
  if (!hasDmar()) return refuse(0, "there is no DMAR table: the machine has no VT-d, or its firmware switched it off");
  const table = findTable(DMAR);
  if (table == 0) return refuse(Table.Length, "wrong length or checksum of the DMAR table");
  const isGood = parseTable(table, tableLength(table));
  if (!isGood) clear();
  return isGood;
}

function clear(): void {
  clearHeader();
  clearRecords();
}

function parseTable(table: u64, length: u32): bool {
  if (length < <u32>Table.Structures) return refuse(Table.Length, "the DMAR table is shorter than its header");
  if (!parseHeader(table)) return false;
  let size: u32 = 0;
  for (let offset: u32 = Table.Structures; offset < length; offset += size) {
    if (!checkStructure(table, offset, length)) return false;
    size = load16(table + offset + Structure.Length);
    if (!parseStructure(table, offset, size)) return false;
  }
  return unitCount() != 0 || refuse(Table.Length, "the DMAR table has no remapping unit");
}

/** Whether the structure at `offset` has its fields and lies in the table; then it is not empty either. */
function checkStructure(table: u64, offset: u32, length: u32): bool {
  if (length - offset < <u32>Structure.Size) return refuse(offset, "the table ends within a structure's header");
  const type = load16(table + offset);
  const size: u32 = load16(table + offset + Structure.Length);
  const minimum: u32 = type <= <u16>StructureType.SATC ? load<u8>(MINIMUM_SIZES + type) : Structure.Size;
  if (size < minimum) return refuse(offset, "a structure is shorter than its fields");
  return size <= length - offset || refuse(offset, "a structure leaves the table");
}

function parseStructure(table: u64, offset: u32, size: u32): bool {
  switch (<u32>load16(table + offset)) {
    case StructureType.DRHD: return parseUnit(table, offset, size);
    case StructureType.RMRR: return parseReservedMemory(table, offset, size);
    case StructureType.ATSR: return parseDeviceTlbs(table, offset, size, RecordKind.RootPortAts);
    case StructureType.RHSA: return parseProximity(table, offset);
    case StructureType.SATC: return parseDeviceTlbs(table, offset, size, RecordKind.SocAddressTranslation);
    // ANDD names devices without PCI functions, which no partition gets. 8.2: software skips structures of a type that it does not know. SIDP
    // (8.9) forbids functions nested translation and the PASID entry bits PWSNP and PGSNP, none of which the kernel uses.
    default: return true;
  }
}

/** Functions that may use a device TLB. */
function parseDeviceTlbs(table: u64, offset: u32, size: u32, kind: RecordKind): bool {
  const structure = table + offset;
  if (!addRecord(offset, kind, 0, 0, load16(structure + Structure.Segment), load8(structure + Atsr.Flags) & 1)) return false;
  return parseScopes(table, offset + Atsr.Scopes, offset + size, kind, recordCount(kind) - 1);
}

function parseProximity(table: u64, offset: u32): bool {
  const structure = table + offset;
  return addRecord(offset, RecordKind.Proximity, load64(structure + Rhsa.Registers), 0, 0, load32(structure + Rhsa.ProximityDomain));
}
