// Builds multiboot2 boot information, good or, with raw tags, malformed.

export interface MemoryMapEntry {
  base: number;
  length: number;
  /** 1 available, else reserved. */
  type: number;
}

export interface BootModule {
  start: number;
  end: number;
  name?: string;
}

export interface BootInformation {
  commandLine?: string;
  modules?: BootModule[];
  memoryMap?: MemoryMapEntry[];
  /** Bytes of one memory map entry. */
  entrySize?: number;
  /** RSDP of ACPI 1.0 (tag 14) and of 2.0 (tag 15). */
  oldRsdp?: Uint8Array;
  newRsdp?: Uint8Array;
  /** More tags before the end tag. */
  tags?: Buffer[];
  withoutEnd?: boolean;
}

export function tag(type: number, content: Uint8Array): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32LE(type, 0);
  header.writeUInt32LE(8 + content.length, 4);
  return Buffer.concat([header, content]);
}

function numbers(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => bytes.writeUInt32LE(value >>> 0, 4 * i));
  return bytes;
}

function memoryMap(entries: MemoryMapEntry[], entrySize: number): Buffer {
  const body = Buffer.alloc(entries.length * entrySize);
  entries.forEach((entry, i) => {
    body.writeBigUInt64LE(BigInt(entry.base), i * entrySize);
    body.writeBigUInt64LE(BigInt(entry.length), i * entrySize + 8);
    body.writeUInt32LE(entry.type, i * entrySize + 16);
  });
  return tag(6, Buffer.concat([numbers(entrySize, 0), body]));
}

export function encodeBootInformation(information: BootInformation): Buffer {
  const tags: Buffer[] = [];
  if (information.commandLine !== undefined) tags.push(tag(1, Buffer.from(`${information.commandLine}\0`, "latin1")));
  for (const module of information.modules ?? []) {
    tags.push(tag(3, Buffer.concat([numbers(module.start, module.end), Buffer.from(`${module.name ?? ""}\0`)])));
  }
  if (information.memoryMap !== undefined) tags.push(memoryMap(information.memoryMap, information.entrySize ?? 24));
  if (information.oldRsdp !== undefined) tags.push(tag(14, information.oldRsdp));
  if (information.newRsdp !== undefined) tags.push(tag(15, information.newRsdp));
  tags.push(...(information.tags ?? []));
  if (information.withoutEnd !== true) tags.push(tag(0, Buffer.alloc(0)));
  const body = Buffer.concat(tags.map((one) => Buffer.concat([one, Buffer.alloc((8 - (one.length % 8)) % 8)])));
  return Buffer.concat([numbers(8 + body.length, 0), body]);
}

/** Memory map of a small PC. */
export const PC_MEMORY_MAP: MemoryMapEntry[] = [
  { base: 0, length: 0x9_fc00, type: 1 },
  { base: 0x9_fc00, length: 0x400, type: 2 },
  { base: 0xf_0000, length: 0x1_0000, type: 2 },
  { base: 0x10_0000, length: 0xff0_0000, type: 1 },
  { base: 0xfec0_0000, length: 0x140_0000, type: 2 },
];
