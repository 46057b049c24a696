// What the DMAR table says, by index. Filled by parseDmar(); empty after a failure.

import { load8 } from "../../../kernel/memory/physical";

export const MAXIMUM_SCOPES: u32 = 512;
/** Structures of each type. */
export const MAXIMUM_STRUCTURES: u32 = 64;

/** Structure that a device scope belongs to. */
export const enum ScopeOwner {
  Unit = 0,
  ReservedMemory = 1,
  RootPortAts = 2,
  SocAddressTranslation = 3,
}

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
class Unit {
  registers: u64;
  /** Bytes. */
  size: u64;
  segment: u32;
  includesAll: u32;
}

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

@unmanaged
class ReservedMemory {
  base: u64;
  limit: u64;
  segment: u64;
}

@unmanaged
class Proximity {
  registers: u64;
  domain: u64;
}

/** ATSR and SATC: a segment and one flag. */
@unmanaged
class SegmentFlag {
  segment: u32;
  flag: u32;
}

const units: usize = memory.data(1536, 8); // 64 of 24
const scopes: usize = memory.data(8192, 8); // 512 of 16
const reservedMemories: usize = memory.data(1536, 8); // 64 of 24
const rootPorts: usize = memory.data(512, 8); // 64 of 8
const proximities: usize = memory.data(1024, 8); // 64 of 16
const acpiDevices: usize = memory.data(64); // 64 u8
const translations: usize = memory.data(512, 8); // 64 of 8

let unitTotal: u32 = 0;
let scopeTotal: u32 = 0;
let reservedMemoryTotal: u32 = 0;
let rootPortTotal: u32 = 0;
let proximityTotal: u32 = 0;
let acpiDeviceTotal: u32 = 0;
let translationTotal: u32 = 0;

function unit(index: u32): Unit { return changetype<Unit>(units + <usize>index * 24); }
function scope(index: u32): DeviceScope { return changetype<DeviceScope>(scopes + (<usize>index << 4)); }
function reservedMemory(index: u32): ReservedMemory { return changetype<ReservedMemory>(reservedMemories + <usize>index * 24); }
function rootPort(index: u32): SegmentFlag { return changetype<SegmentFlag>(rootPorts + (<usize>index << 3)); }
function proximity(index: u32): Proximity { return changetype<Proximity>(proximities + (<usize>index << 4)); }
function translation(index: u32): SegmentFlag { return changetype<SegmentFlag>(translations + (<usize>index << 3)); }

export function clearRecords(): void {
  unitTotal = 0;
  scopeTotal = 0;
  reservedMemoryTotal = 0;
  rootPortTotal = 0;
  proximityTotal = 0;
  acpiDeviceTotal = 0;
  translationTotal = 0;
}

// The functions that add keep to the capacity: false if the table is full.

export function addUnit(registers: u64, size: u64, segment: u32, includesAll: bool): bool {
  if (unitTotal == MAXIMUM_STRUCTURES) return false;
  const record = unit(unitTotal++);
  record.registers = registers;
  record.size = size;
  record.segment = segment;
  record.includesAll = includesAll;
  return true;
}

export function addScope(ownerKind: ScopeOwner, owner: u32, kind: ScopeKind, enumerationId: u8, bus: u8, path: u64, steps: u32): bool {
  if (scopeTotal == MAXIMUM_SCOPES) return false;
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

export function addReservedMemory(base: u64, limit: u64, segment: u32): bool {
  if (reservedMemoryTotal == MAXIMUM_STRUCTURES) return false;
  const record = reservedMemory(reservedMemoryTotal++);
  record.base = base;
  record.limit = limit;
  record.segment = segment;
  return true;
}

export function addRootPortAts(segment: u32, allPorts: bool): bool {
  if (rootPortTotal == MAXIMUM_STRUCTURES) return false;
  const record = rootPort(rootPortTotal++);
  record.segment = segment;
  record.flag = allPorts;
  return true;
}

export function addProximity(registers: u64, domain: u32): bool {
  if (proximityTotal == MAXIMUM_STRUCTURES) return false;
  const record = proximity(proximityTotal++);
  record.registers = registers;
  record.domain = domain;
  return true;
}

export function addAcpiDevice(number: u8): bool {
  if (acpiDeviceTotal == MAXIMUM_STRUCTURES) return false;
  store<u8>(acpiDevices + acpiDeviceTotal++, number);
  return true;
}

export function addSocAddressTranslation(segment: u32, required: bool): bool {
  if (translationTotal == MAXIMUM_STRUCTURES) return false;
  const record = translation(translationTotal++);
  record.segment = segment;
  record.flag = required;
  return true;
}

export function unitCount(): u32 { return unitTotal; }
/** Physical address of the registers, 4 KiB aligned. */
export function unitRegisters(index: u32): u64 { return unit(index).registers; }
/** Bytes of the registers, a power of two of at least 4 KiB. */
export function unitRegistersSize(index: u32): u64 { return unit(index).size; }
export function unitSegment(index: u32): u32 { return unit(index).segment; }
/** Whether the unit serves every function of its segment that no other unit names; then it is the segment's last. */
export function unitIncludesAll(index: u32): bool { return unit(index).includesAll != 0; }

export function scopeCount(): u32 { return scopeTotal; }
export function scopeOwnerKind(index: u32): ScopeOwner { return <ScopeOwner>scope(index).ownerKind; }
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

export function reservedMemoryCount(): u32 { return reservedMemoryTotal; }
/** Physical address, page-aligned. */
export function reservedMemoryBase(index: u32): u64 { return reservedMemory(index).base; }
/** Physical address of the last byte, the end of a page. */
export function reservedMemoryLimit(index: u32): u64 { return reservedMemory(index).limit; }
export function reservedMemorySegment(index: u32): u32 { return <u32>reservedMemory(index).segment; }

export function rootPortAtsCount(): u32 { return rootPortTotal; }
export function rootPortAtsSegment(index: u32): u32 { return rootPort(index).segment; }
/** Whether every root port of the segment has ATS; else those in the scopes. */
export function rootPortAtsAllPorts(index: u32): bool { return rootPort(index).flag != 0; }

export function proximityCount(): u32 { return proximityTotal; }
/** Registers of the unit meant; real firmware also names units that it does not report. */
export function proximityRegisters(index: u32): u64 { return proximity(index).registers; }
export function proximityDomain(index: u32): u32 { return <u32>proximity(index).domain; }

export function socAddressTranslationCount(): u32 { return translationTotal; }
export function socAddressTranslationSegment(index: u32): u32 { return translation(index).segment; }
/** Whether the functions in the scopes work only with ATS enabled. */
export function socAddressTranslationRequired(index: u32): bool { return translation(index).flag != 0; }

export function acpiDeviceCount(): u32 { return acpiDeviceTotal; }
/** Number that a scope of kind AcpiDevice carries as enumeration identifier. */
export function acpiDeviceNumber(index: u32): u32 { return load<u8>(acpiDevices + index); }
