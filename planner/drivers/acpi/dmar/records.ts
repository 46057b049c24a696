// What the DMAR table says, by index. Filled by parseDmar(); empty after a failure.

import { load8 } from "../../../../kernel/memory/physical";
import { refuse } from "./status";

const MAXIMUM_SCOPES: u32 = 512;
/** Structures of each kind. */
export const MAXIMUM_STRUCTURES: u32 = 64;

/** Structures that are kept; all but the last have device scopes. */
export const enum RecordKind {
  Unit = 0,
  ReservedMemory = 1,
  RootPortAts = 2,
  SocAddressTranslation = 3,
  Proximity = 4,
}
const KINDS: usize = 5;

/** Device scope types, VT-d 4.1 8.3.1. */
export const enum ScopeKind {
  Endpoint = 1,
  /** The bridge and everything below it. */
  Bridge = 2,
  IoApic = 3,
  Hpet = 4,
  AcpiDevice = 5,
}

@unmanaged
class StructureRecord {
  /** Registers of the unit, or start of the memory. */
  base: u64;
  /** Bytes of the registers, or last byte of the memory. */
  extent: u64;
  segment: u32;
  /** INCLUDE_PCI_ALL, ALL_PORTS or ATC_REQUIRED; the proximity domain. */
  detail: u32;
}
const RECORD_SIZE: usize = 24;

@unmanaged
class DeviceScope {
  /** Physical address of the path, which stays in the table. */
  path: u64;
  ownerKind: u8;
  owner: u8;
  kind: u8;
  enumerationId: u8;
  bus: u8;
  steps: u8;
}

const records: usize = memory.data(7680, 8); // KINDS * MAXIMUM_STRUCTURES * RECORD_SIZE
const counts: usize = memory.data(20, 4); // KINDS u32
const scopes: usize = memory.data(8192, 8); // MAXIMUM_SCOPES of 16
let scopeTotal: u32 = 0;

function scope(index: u32): DeviceScope { return changetype<DeviceScope>(scopes + (<usize>index << 4)); }

export function clearRecords(): void {
  memory.fill(counts, 0, KINDS << 2);
  scopeTotal = 0;
}

export function recordCount(kind: RecordKind): u32 { return load<u32>(counts + (<usize>kind << 2)); }

export function recordAt(kind: RecordKind, index: u32): StructureRecord {
  return changetype<StructureRecord>(records + (<usize>kind * MAXIMUM_STRUCTURES + index) * RECORD_SIZE);
}

/** Keeps what the structure at `offset` says; refuses the table if there is no room. */
export function addRecord(offset: u32, kind: RecordKind, base: u64, extent: u64, segment: u32, detail: u32): bool {
  const count = recordCount(kind);
  if (count == MAXIMUM_STRUCTURES) return refuse(offset, "more than 64 structures of one type");
  const record = recordAt(kind, count);
  record.base = base;
  record.extent = extent;
  record.segment = segment;
  record.detail = detail;
  store<u32>(counts + (<usize>kind << 2), count + 1);
  return true;
}

/** Keeps the scope at `offset`; refuses the table if there is no room. */
export function addScope(offset: u32, ownerKind: RecordKind, owner: u32, kind: ScopeKind, enumerationId: u8, bus: u8, path: u64, steps: u32): bool {
  if (scopeTotal == MAXIMUM_SCOPES) return refuse(offset, "more than 512 device scopes");
  const record = scope(scopeTotal++);
  record.path = path;
  record.ownerKind = <u8>ownerKind;
  record.owner = <u8>owner;
  record.kind = <u8>kind;
  record.enumerationId = enumerationId;
  record.bus = bus;
  record.steps = <u8>steps;
  return true;
}

export function unitCount(): u32 { return recordCount(RecordKind.Unit); }
/** Physical address of the registers, 4 KiB aligned. */
export function unitRegisters(index: u32): u64 { return recordAt(RecordKind.Unit, index).base; }
/** Bytes of the registers, a power of two of at least 4 KiB. */
export function unitRegistersSize(index: u32): u64 { return recordAt(RecordKind.Unit, index).extent; }
export function unitSegment(index: u32): u32 { return recordAt(RecordKind.Unit, index).segment; }
/** Whether the unit serves every function of its segment that no other unit names; then it is the segment's last. */
export function unitIncludesAll(index: u32): bool { return recordAt(RecordKind.Unit, index).detail != 0; }

export function scopeCount(): u32 { return scopeTotal; }
export function scopeOwnerKind(index: u32): RecordKind { return <RecordKind>scope(index).ownerKind; }
/** Index among the records of the owner's kind. */
export function scopeOwner(index: u32): u32 { return scope(index).owner; }
export function scopeKind(index: u32): ScopeKind { return <ScopeKind>scope(index).kind; }
/** I/O APIC identifier, HPET number or ACPI device number; 0 for PCI functions. */
export function scopeEnumerationId(index: u32): u32 { return scope(index).enumerationId; }
/** Bus of the path's first step. */
export function scopeBus(index: u32): u32 { return scope(index).bus; }
/** Steps of the path, at least 1; each but the last is a bridge. */
export function scopePathLength(index: u32): u32 { return scope(index).steps; }
/** Device 0-31 of step `step`, read from the table. */
export function scopePathDevice(index: u32, step: u32): u32 { return load8(scope(index).path + 2 * step); }
/** Function 0-7 of step `step`, read from the table. */
export function scopePathFunction(index: u32, step: u32): u32 { return load8(scope(index).path + 2 * step + 1); }

export function reservedMemoryCount(): u32 { return recordCount(RecordKind.ReservedMemory); }
/** Physical address, page-aligned. */
export function reservedMemoryBase(index: u32): u64 { return recordAt(RecordKind.ReservedMemory, index).base; }
/** Physical address of the last byte, the end of a page. */
export function reservedMemoryLimit(index: u32): u64 { return recordAt(RecordKind.ReservedMemory, index).extent; }
