// A machine with a DMAR or MCFG table, and what the parsers make of it.

import { compileEntry } from "../machine/compile.ts";
import { placeTables, rsdp, xsdt } from "../machine/acpi-tables.ts";
import { Machine } from "../machine/machine.ts";
import { PhysicalMemory } from "../machine/physical-memory.ts";
import { readScope, SCOPE_KINDS, type Table } from "./dmar-table.ts";

/** Exports of tests/fixtures/dmar/entry.ts: u64 is a bigint (signed), u32 a number, bool 0 or 1. */
export interface DmarExports {
  memory: WebAssembly.Memory;
  findTables(rsdp: bigint): number;
  dmarFailureOf(): number;
  dmarFailureOffset(): number;
  hostAddressWidth(): number;
  interruptRemappingAllowed(): number;
  unitCount(): number;
  unitRegisters(index: number): bigint;
  unitRegistersSize(index: number): bigint;
  unitSegment(index: number): number;
  unitIncludesAll(index: number): number;
  scopeCount(): number;
  scopeOwnerKind(index: number): number;
  scopeOwner(index: number): number;
  scopeKind(index: number): number;
  scopeEnumerationId(index: number): number;
  scopeBus(index: number): number;
  scopePathLength(index: number): number;
  scopePathDevice(index: number, step: number): number;
  scopePathFunction(index: number, step: number): number;
  reservedMemoryCount(): number;
  reservedMemoryBase(index: number): bigint;
  reservedMemoryLimit(index: number): bigint;
  reservedMemorySegment(index: number): number;
  rootPortAtsCount(): number;
  rootPortAtsSegment(index: number): number;
  rootPortAtsAllPorts(index: number): number;
  proximityCount(): number;
  proximityRegisters(index: number): bigint;
  proximityDomain(index: number): number;
  socAddressTranslationCount(): number;
  socAddressTranslationSegment(index: number): number;
  socAddressTranslationRequired(index: number): number;
  mcfgFailureOf(): number;
  segmentCount(): number;
  segmentNumber(index: number): number;
  segmentFirstBus(index: number): number;
  segmentLastBus(index: number): number;
  ecamAddress(segment: number, bus: number): bigint;
}

/** Why a DMAR table is refused. */
export const REFUSALS = {
  Done: "",
  Missing: "there is no DMAR table: the machine has no VT-d, or its firmware switched it off",
  TableMalformed: "wrong length or checksum of the DMAR table",
  TableTooShort: "the DMAR table is shorter than its header",
  HostAddressWidth: "host address width above 52 bits",
  StructureTruncated: "the table ends within a structure's header",
  StructureTooShort: "a structure is shorter than its fields",
  StructureBeyondTable: "a structure leaves the table",
  ScopeTruncated: "a structure ends within a device scope's header",
  ScopeLength: "a device scope has no path or half a step",
  ScopeBeyondStructure: "a device scope leaves its structure",
  ScopePath: "a device scope's path has a device above 31 or a function above 7",
  UnitAddress: "a remapping unit's registers are at address 0 or not page-aligned",
  UnitBeyondWidth: "a remapping unit's registers lie beyond the host address width",
  UnitOverlap: "the registers of two remapping units overlap",
  IncludeAllTwice: "two remapping units of a segment have INCLUDE_PCI_ALL",
  IncludeAllNotLast: "the remapping unit with INCLUDE_PCI_ALL is not the last of its segment",
  ReservedMemoryLimit: "reserved memory ends before it starts",
  ReservedMemoryUnaligned: "reserved memory is not made of whole pages",
  ReservedMemoryBeyondWidth: "reserved memory lies beyond the host address width",
  ReservedMemoryOverlap: "two ranges of reserved memory overlap without being equal",
  TooManyStructures: "more than 64 structures of one type",
  TooManyScopes: "more than 512 device scopes",
  NoUnit: "the DMAR table has no remapping unit",
} as const;

export type Refusal = keyof typeof REFUSALS;

export function compileDmar(): Promise<WebAssembly.Module> {
  return compileEntry("tests/fixtures/dmar/entry.ts");
}

/** Physical memory that throws after `budget` reads, so that a parser that does not end fails its test. */
export class BudgetedMemory extends PhysicalMemory {
  budget = Number.MAX_SAFE_INTEGER;

  override read(address: number, size: number): bigint {
    if (this.budget-- <= 0) throw new Error("the budget of reads is used up");
    return super.read(address, size);
  }
}

const ROOT = 0x7f0_0000;

export class DmarMachine extends Machine {
  readonly parser: DmarExports;

  constructor(module: WebAssembly.Module, memory: PhysicalMemory = new PhysicalMemory()) {
    super({ memory });
    this.parser = this.instantiate<DmarExports>(module);
  }

  /** Gives the machine these tables and no others. */
  place(...tables: Buffer[]): void {
    placeTables(this.memory, ROOT, tables);
    this.findTables();
  }

  /** Gives the machine one table, at `address`. */
  placeAt(address: number, table: Buffer): void {
    this.memory.writeBytes(address, table);
    this.memory.writeBytes(ROOT + 0x100, xsdt([address]));
    this.memory.writeBytes(ROOT, rsdp(2, 0, ROOT + 0x100));
    this.findTables();
  }

  private findTables(): void {
    if (this.parser.findTables(BigInt(ROOT)) !== 0) throw new Error("the root tables are wrong");
  }

  /** Gives the machine a DMAR table and parses it; why it is refused, empty if it is not. */
  parse(table: Buffer): string {
    this.place(table);
    return this.parseDmar();
  }

  /** Why the DMAR table that the machine has is refused, empty if it is not. */
  parseDmar(): string {
    return this.text(this.parser.dmarFailureOf());
  }

  /** Why the MCFG table that the machine has is not used, empty if it is or there is none. */
  parseMcfg(): string {
    return this.text(this.parser.mcfgFailureOf());
  }

  /** An AssemblyScript string, with its size in bytes before it. */
  private text(address: number): string {
    const size = this.view.getUint32(address - 4, true);
    return Buffer.from(this.view.buffer, address, size).toString("utf16le");
  }
}

/** Records that the parser made or should make. */
export interface Records {
  units: { registers: bigint; size: bigint; segment: number; includesAll: boolean }[];
  /** Owner and scope, e.g. "Unit 1: bridge #0 00:1c.0/00.0". */
  scopes: string[];
  reservedMemory: { base: bigint; limit: bigint; segment: number }[];
  rootPortAts: { segment: number; allPorts: boolean }[];
  proximities: { registers: bigint; domain: number }[];
  socAddressTranslations: { segment: number; required: boolean }[];
}

const OWNERS = ["Unit", "ReservedMemory", "RootPortAts", "SocAddressTranslation"];

function list<Item>(count: number, at: (index: number) => Item): Item[] {
  return Array.from({ length: count }, (_, index) => at(index));
}

function scopeText(owner: string, index: number, scope: { kind: number; enumerationId: number; bus: number; path: [number, number][] }): string {
  const steps = scope.path.map(([device, deviceFunction]) => `${device.toString(16)}.${deviceFunction.toString(16)}`);
  return `${owner} ${index}: ${SCOPE_KINDS[scope.kind]} #${scope.enumerationId} ${scope.bus.toString(16)}:${steps.join("/")}`;
}

export function foundRecords(parser: DmarExports): Records {
  const path = (i: number): [number, number][] =>
    list(parser.scopePathLength(i), (step) => [parser.scopePathDevice(i, step), parser.scopePathFunction(i, step)]);
  const scope = (i: number): string =>
    scopeText(OWNERS[parser.scopeOwnerKind(i)] ?? "nothing", parser.scopeOwner(i), {
      kind: parser.scopeKind(i), enumerationId: parser.scopeEnumerationId(i), bus: parser.scopeBus(i), path: path(i),
    });
  return {
    units: list(parser.unitCount(), (i) => ({
      registers: parser.unitRegisters(i),
      size: parser.unitRegistersSize(i),
      segment: parser.unitSegment(i),
      includesAll: parser.unitIncludesAll(i) === 1,
    })),
    scopes: list(parser.scopeCount(), scope),
    reservedMemory: list(parser.reservedMemoryCount(), (i) => ({
      base: parser.reservedMemoryBase(i), limit: parser.reservedMemoryLimit(i), segment: parser.reservedMemorySegment(i),
    })),
    rootPortAts: list(parser.rootPortAtsCount(), (i) => ({ segment: parser.rootPortAtsSegment(i), allPorts: parser.rootPortAtsAllPorts(i) === 1 })),
    proximities: list(parser.proximityCount(), (i) => ({ registers: parser.proximityRegisters(i), domain: parser.proximityDomain(i) })),
    socAddressTranslations: list(parser.socAddressTranslationCount(), (i) => ({
      segment: parser.socAddressTranslationSegment(i), required: parser.socAddressTranslationRequired(i) === 1,
    })),
  };
}

export const NO_RECORDS: Records = {
  units: [], scopes: [], reservedMemory: [], rootPortAts: [], proximities: [], socAddressTranslations: [],
};

/** Records of a table that is good and has no range of reserved memory twice. */
export function expectedRecords(table: Table): Records {
  const records = structuredClone(NO_RECORDS);
  for (const structure of table.structures) addExpected(records, structure);
  return records;
}

function addExpected(records: Records, structure: Table["structures"][number]): void {
  const own = (owner: string, count: number, scopes: string[]): void => {
    records.scopes.push(...scopes.map((text) => scopeText(owner, count - 1, readScope(text))));
  };
  switch (structure.type) {
    case "DRHD": {
      const { segment, flags } = structure;
      const size = 4096n << BigInt(structure.size);
      return own("Unit", records.units.push({ registers: BigInt(structure.base), size, segment, includesAll: (flags & 1) !== 0 }), structure.scopes);
    }
    case "RMRR": {
      const [base, limit] = [BigInt(structure.base), BigInt(structure.limit)];
      if (limit === 0n) return;
      return own("ReservedMemory", records.reservedMemory.push({ base, limit, segment: structure.segment }), structure.scopes);
    }
    case "ATSR":
      return own("RootPortAts", records.rootPortAts.push({ segment: structure.segment, allPorts: (structure.flags & 1) !== 0 }), structure.scopes);
    case "SATC": {
      const count = records.socAddressTranslations.push({ segment: structure.segment, required: (structure.flags & 1) !== 0 });
      return own("SocAddressTranslation", count, structure.scopes);
    }
    case "RHSA":
      return void records.proximities.push({ registers: BigInt(structure.base), domain: structure.domain });
    default:
      return;
  }
}
