// Loads a multiboot kernel into a partition whose memory above 1 MiB holds garbage.

import { expect } from "vitest";
import { EntryState, Mailbox, type ImageKind, type LoadStatus } from "../../../../monitor/interface.ts";
import { Parts } from "../parts.ts";

export interface Options {
  modules?: Buffer;
  commandLine?: string;
  highMemory?: bigint;
}

export interface Loaded {
  parts: Parts;
  status: LoadStatus;
  detail: number;
}

export function loadKernel(module: WebAssembly.Module, kind: ImageKind, image: Buffer, options: Options): Loaded {
  const parts = new Parts(module);
  parts.configure(BigInt(parts.ram.length), options.highMemory ?? 0n, 1);
  parts.exports.writeAcpiTables();
  parts.ram.fill(0xcc, 0x100000);
  parts.images[0] = image;
  parts.images[1] = options.modules ?? Buffer.alloc(0);
  parts.images[2] = Buffer.from(options.commandLine ?? "");
  const status = parts.load(kind);
  expect(parts.outOfBounds).toBe(0);
  return { parts, status, detail: parts.mailbox.getUint32(Mailbox.LoadDetail, true) };
}

/** What EBX points to. */
export function information(parts: Parts): Buffer {
  return parts.ram.subarray(Number(parts.entry(EntryState.Rbx)));
}

/** Text at a guest-physical address up to its zero. */
export function text(parts: Parts, at: number): string {
  return parts.ram.toString("latin1", at, parts.ram.indexOf(0, at));
}

/** The tags of the Multiboot2 information by type: each with its content, behind type and size. */
export function tags(parts: Parts): Map<number, Buffer[]> {
  const start = Number(parts.entry(EntryState.Rbx));
  const end = start + parts.ram.readUInt32LE(start);
  const found = new Map<number, Buffer[]>();
  for (let at = start + 8; at < end; at += Math.ceil(parts.ram.readUInt32LE(at + 4) / 8) * 8) {
    const type = parts.ram.readUInt32LE(at);
    found.set(type, [...(found.get(type) ?? []), parts.ram.subarray(at + 8, at + parts.ram.readUInt32LE(at + 4))]);
    if (type === 0) expect(at + 8).toBe(end);
  }
  return found;
}
