// Assembles DMAR tables (VT-d 4.1 chapter 8) from descriptions: those of real machines in tests/fixtures/dmar, and made-up ones.

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { projectDirectory } from "../../../scripts/policy/project.ts";
import { fixChecksum } from "../machine/acpi-tables.ts";

/** Scopes are written "kind [#id] [flags=xx] bus:device.function[/device.function...]", numbers after the # in decimal, others in hexadecimal. */
export type Structure =
  | { type: "DRHD"; flags: number; size: number; segment: number; base: string; scopes: string[] }
  | { type: "RMRR"; segment: number; base: string; limit: string; scopes: string[] }
  | { type: "ATSR" | "SATC" | "SIDP"; flags: number; segment: number; scopes: string[] }
  | { type: "RHSA"; base: string; domain: number }
  | { type: "ANDD"; number: number; name: string; length: number }
  | { type: "RAW"; bytes: Uint8Array };

export interface Table {
  revision: number;
  oemId: string;
  oemTableId: string;
  oemRevision: string;
  compilerId: string;
  compilerRevision: string;
  hostAddressWidth: number;
  flags: number;
  structures: Structure[];
}

/** Table of a real machine as it was published. */
export interface Fixture extends Table {
  machine: string;
  source: string;
  published: string;
  filledIn: string;
  tableLength: number;
  checksum: number;
}

const TYPES = ["DRHD", "RMRR", "ATSR", "RHSA", "ANDD", "SATC", "SIDP"];
export const SCOPE_KINDS = ["", "endpoint", "bridge", "ioapic", "hpet", "acpi"];

export interface Scope {
  kind: number;
  enumerationId: number;
  flags: number;
  bus: number;
  path: [device: number, deviceFunction: number][];
}

export function readScope(text: string): Scope {
  const match = /^(\w+)(?: #(\d+))?(?: flags=([\da-f]+))? ([\da-f]+):([\da-f./]+)$/.exec(text);
  if (match === null) throw new Error(`not a device scope: ${text}`);
  const steps = (match[5] ?? "").split("/").map((step) => step.split(".").map((part) => parseInt(part, 16)));
  return {
    kind: SCOPE_KINDS.indexOf(match[1] ?? ""),
    enumerationId: Number(match[2] ?? 0),
    flags: parseInt(match[3] ?? "0", 16),
    bus: parseInt(match[4] ?? "", 16),
    path: steps.map(([device = NaN, deviceFunction = NaN]) => [device, deviceFunction]),
  };
}

function scopeBytes(text: string): Buffer {
  const { kind, enumerationId, flags, bus, path: steps } = readScope(text);
  return Buffer.from([kind, 6 + 2 * steps.length, flags, 0, enumerationId, bus, ...steps.flat()]);
}

/** Fields of a structure behind type and length. */
function fields(structure: Exclude<Structure, { type: "RAW" }>): Buffer {
  const bytes = Buffer.alloc(64);
  const end = ((): number => {
    switch (structure.type) {
      case "DRHD":
        bytes.set([structure.flags, structure.size]);
        bytes.writeUInt16LE(structure.segment, 2);
        return bytes.writeBigUInt64LE(BigInt(structure.base), 4);
      case "RMRR":
        bytes.writeUInt16LE(structure.segment, 2);
        bytes.writeBigUInt64LE(BigInt(structure.base), 4);
        return bytes.writeBigUInt64LE(BigInt(structure.limit), 12);
      case "RHSA":
        bytes.writeBigUInt64LE(BigInt(structure.base), 4);
        return bytes.writeUInt32LE(structure.domain, 12);
      case "ANDD":
        bytes[3] = structure.number;
        bytes.write(structure.name, 4, "latin1");
        return structure.length - 4;
      default:
        bytes[0] = structure.flags;
        return bytes.writeUInt16LE(structure.segment, 2);
    }
  })();
  return bytes.subarray(0, end);
}

export function structureBytes(structure: Structure): Buffer {
  if (structure.type === "RAW") return Buffer.from(structure.bytes);
  const scopes = "scopes" in structure ? structure.scopes.map(scopeBytes) : [];
  const body = Buffer.concat([fields(structure), ...scopes]);
  const header = Buffer.alloc(4);
  header.writeUInt16LE(TYPES.indexOf(structure.type), 0);
  header.writeUInt16LE(4 + body.length, 2);
  return Buffer.concat([header, body]);
}

/** Bytes of the table; length and checksum come out of the rest. */
export function assemble(table: Table): Buffer {
  const header = Buffer.alloc(48);
  header.write("DMAR", 0, "latin1");
  header[8] = table.revision;
  header.write(table.oemId, 10, "latin1");
  header.write(table.oemTableId, 16, "latin1");
  header.writeUInt32LE(Number(table.oemRevision), 24);
  header.write(table.compilerId, 28, "latin1");
  header.writeUInt32LE(Number(table.compilerRevision), 32);
  header[36] = table.hostAddressWidth - 1;
  header[37] = table.flags;
  const bytes = Buffer.concat([header, ...table.structures.map(structureBytes)]);
  bytes.writeUInt32LE(bytes.length, 4);
  return fixChecksum(bytes, 9);
}

/** A made-up table with these structures, for 39 bits of address. */
export function madeUp(structures: Structure[], header: Partial<Table> = {}): Table {
  const identity = { oemId: "BULKHD", oemTableId: "MADE UP ", oemRevision: "1", compilerId: "TEST", compilerRevision: "1" };
  return { revision: 1, ...identity, hostAddressWidth: 39, flags: 1, structures, ...header };
}

export function drhd(base: number, scopes: string[] = [], more: { flags?: number; size?: number; segment?: number } = {}): Structure {
  return { type: "DRHD", flags: 0, size: 0, segment: 0, base: `0x${base.toString(16)}`, scopes, ...more };
}

export function rmrr(base: bigint, limit: bigint, scopes: string[] = [], segment = 0): Structure {
  return { type: "RMRR", segment, base: `0x${base.toString(16)}`, limit: `0x${limit.toString(16)}`, scopes };
}

/** All fixtures of real machines, by file name. */
export function readFixtures(): [name: string, fixture: Fixture][] {
  const directory = path.join(projectDirectory, "tests/fixtures/dmar");
  const names = readdirSync(directory).filter((name) => name.endsWith(".json"));
  return names.map((name) => [name.replace(".json", ""), JSON.parse(readFileSync(path.join(directory, name), "utf8")) as Fixture]);
}
