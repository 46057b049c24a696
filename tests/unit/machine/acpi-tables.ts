// Builds the ACPI tables of a simulated machine.

import type { PhysicalMemory } from "./physical-memory.ts";

/** Sets the byte at `at` so that all bytes sum to zero. */
export function fixChecksum(bytes: Buffer, at: number, length = bytes.length): Buffer {
  bytes[at] = 0;
  const sum = bytes.subarray(0, length).reduce((total, byte) => total + byte, 0);
  bytes[at] = -sum & 0xff;
  return bytes;
}

export function acpiTable(signature: string, body: Uint8Array): Buffer {
  const header = Buffer.alloc(36);
  header.write(signature, 0, "latin1");
  header.writeUInt32LE(36 + body.length, 4);
  header[8] = 1;
  header.write("BULKHD", 10, "latin1");
  return fixChecksum(Buffer.concat([header, body]), 9);
}

export function rsdp(revision: number, rsdt: number, xsdt: number): Buffer {
  const bytes = Buffer.alloc(revision >= 2 ? 36 : 20);
  bytes.write("RSD PTR ", 0, "latin1");
  bytes[15] = revision;
  bytes.writeUInt32LE(rsdt, 16);
  if (revision >= 2) {
    bytes.writeUInt32LE(36, 20);
    bytes.writeBigUInt64LE(BigInt(xsdt), 24);
  }
  fixChecksum(bytes, 8, 20);
  return revision >= 2 ? fixChecksum(bytes, 32) : bytes;
}

export function rsdt(addresses: number[]): Buffer {
  const body = Buffer.alloc(4 * addresses.length);
  addresses.forEach((address, i) => body.writeUInt32LE(address, 4 * i));
  return acpiTable("RSDT", body);
}

export function xsdt(addresses: number[]): Buffer {
  const body = Buffer.alloc(8 * addresses.length);
  addresses.forEach((address, i) => body.writeBigUInt64LE(BigInt(address), 8 * i));
  return acpiTable("XSDT", body);
}

export function localApic(apicId: number, enabled = true): Buffer {
  return Buffer.from([0, 8, apicId, apicId, enabled ? 1 : 0, 0, 0, 0]);
}

export function localX2Apic(apicId: number, enabled = true): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.set([9, 16]);
  bytes.writeUInt32LE(apicId, 4);
  bytes.writeUInt32LE(enabled ? 1 : 0, 8);
  return bytes;
}

export function ioApicEntry(address: number, base: number, identifier = 0): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.set([1, 12, identifier]);
  bytes.writeUInt32LE(address, 4);
  bytes.writeUInt32LE(base, 8);
  return bytes;
}

export function interruptOverride(irq: number, gsi: number, flags: number): Buffer {
  const bytes = Buffer.alloc(10);
  bytes.set([2, 10, 0, irq]);
  bytes.writeUInt32LE(gsi, 4);
  bytes.writeUInt16LE(flags, 8);
  return bytes;
}

export function madt(structures: Uint8Array[]): Buffer {
  return acpiTable("APIC", Buffer.concat([Buffer.alloc(8), ...structures]));
}

export interface FadtFields {
  dsdt?: number;
  pmTimer?: number;
  pm1a?: number;
  pm1b?: number;
  smiCommand?: number;
  acpiEnable?: number;
  timer32?: boolean;
  /** Extended fields; without them the table has the length of ACPI 1.0. */
  extended?: { dsdt?: number; pm1a?: number; pmTimer?: number; space?: number };
}

export function fadt(fields: FadtFields): Buffer {
  const bytes = Buffer.alloc(fields.extended === undefined ? 116 : 244);
  bytes.writeUInt32LE(fields.dsdt ?? 0, 40);
  bytes.writeUInt32LE(fields.smiCommand ?? 0, 48);
  bytes[52] = fields.acpiEnable ?? 0;
  bytes.writeUInt32LE(fields.pm1a ?? 0, 64);
  bytes.writeUInt32LE(fields.pm1b ?? 0, 68);
  bytes.writeUInt32LE(fields.pmTimer ?? 0, 76);
  bytes.writeUInt32LE(fields.timer32 === true ? 0x100 : 0, 112);
  const { extended } = fields;
  if (extended !== undefined) {
    bytes.writeBigUInt64LE(BigInt(extended.dsdt ?? 0), 140);
    bytes[172] = extended.space ?? 1;
    bytes.writeBigUInt64LE(BigInt(extended.pm1a ?? 0), 176);
    bytes[208] = extended.space ?? 1;
    bytes.writeBigUInt64LE(BigInt(extended.pmTimer ?? 0), 212);
  }
  return acpiTable("FACP", bytes.subarray(36));
}

export function hpet(address: number, number = 0): Buffer {
  const body = Buffer.alloc(20);
  body.writeBigUInt64LE(BigInt(address), 8);
  body[16] = number;
  return acpiTable("HPET", body);
}

/** A DSDT with Name(\_S5, Package { a, b, 0, 0 }), elements as byte constants or as Zero and One. */
export function dsdtWithS5(a: number, b: number, withRoot = false): Buffer {
  const element = (value: number): number[] => (value <= 1 ? [value] : [0x0a, value]);
  const elements = [...element(a), ...element(b), 0, 0];
  const name = [0x08, ...(withRoot ? [0x5c] : []), ...Buffer.from("_S5_")];
  const filler = Buffer.from([0x10, 0x05, ...Buffer.from("_SB_")]);
  return acpiTable("DSDT", Buffer.from([...filler, ...name, 0x12, 2 + elements.length, 4, ...elements, 0, 0, 0, 0]));
}

/** Puts tables one after another from `base`, with an RSDP of ACPI 2.0 first, and returns the RSDP's address. */
export function placeTables(memory: PhysicalMemory, base: number, tables: Buffer[]): number {
  let next = base + 0x1000;
  const addresses = tables.map((table) => {
    const address = next;
    memory.writeBytes(address, table);
    next += (table.length + 63) & ~63;
    return address;
  });
  memory.writeBytes(base + 0x100, xsdt(addresses));
  memory.writeBytes(base, rsdp(2, 0, base + 0x100));
  return base;
}
