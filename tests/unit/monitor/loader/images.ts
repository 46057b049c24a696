// Small images that the loader takes, to be changed by a test.

/** Fields of the bzImage setup header, by offset (Linux, Documentation/arch/x86/boot.rst). */
export const SETUP = {
  sectors: 0x1f1, bootFlag: 0x1fe, headerLength: 0x201, magic: 0x202, version: 0x206, typeOfLoader: 0x210, loadFlags: 0x211, code32Start: 0x214,
  ramDiskImage: 0x218, ramDiskSize: 0x21c, commandLinePointer: 0x228, ramDiskMaximum: 0x22c, extendedFlags: 0x236, commandLineSize: 0x238,
  preferredAddress: 0x258, initSize: 0x260,
} as const;

export const KERNEL_ADDRESS = 0x1000000;
export const KERNEL_SIZE = 0x3000;
export const INIT_SIZE = 0x8000;
const SETUP_SECTORS = 3;

/** A bzImage whose protected-mode kernel is KERNEL_SIZE bytes of a pattern. */
export function makeBzImage(): Buffer {
  const setup = Buffer.alloc((SETUP_SECTORS + 1) * 512);
  setup.writeUInt8(SETUP_SECTORS, SETUP.sectors);
  setup.writeUInt16LE(0xaa55, SETUP.bootFlag);
  setup.writeUInt8(0x6a, SETUP.headerLength); // the header ends at 0x26c
  setup.write("HdrS", SETUP.magic, "latin1");
  setup.writeUInt16LE(0x20f, SETUP.version);
  setup.writeUInt8(1, SETUP.loadFlags);
  setup.writeUInt32LE(0x100000, SETUP.code32Start);
  setup.writeUInt32LE(0x7fffffff, SETUP.ramDiskMaximum);
  setup.writeUInt16LE(0x3f, SETUP.extendedFlags);
  setup.writeUInt32LE(2047, SETUP.commandLineSize);
  setup.writeBigUInt64LE(BigInt(KERNEL_ADDRESS), SETUP.preferredAddress);
  setup.writeUInt32LE(INIT_SIZE, SETUP.initSize);
  setup.writeUInt32LE(0xdeadbeef, 0x26c); // behind the header: must not be copied
  return Buffer.concat([setup, pattern(KERNEL_SIZE)]);
}

export function pattern(length: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, at) => (at * 7 + (at >> 8)) & 0xff));
}

export interface Segment {
  type: number;
  address: bigint;
  bytes: Buffer;
  /** Bytes in memory; those of the file by default. */
  memorySize?: bigint;
}

export const LOAD = 1;
export const NOTE = 4;
export const ENTRY = 0x200010n;

/** A note; name and value are padded to 4 bytes. */
export function makeNote(name: string, type: number, value: Buffer): Buffer {
  const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
  const header = Buffer.alloc(12);
  header.writeUInt32LE(name.length + 1, 0);
  header.writeUInt32LE(value.length, 4);
  header.writeUInt32LE(type, 8);
  return Buffer.concat([header, padded(Buffer.from(`${name}\0`)), padded(value)]);
}

export function entryNote(entry = ENTRY, bytes: 4 | 8 = 8): Buffer {
  const value = Buffer.alloc(8);
  value.writeBigUInt64LE(entry);
  return Buffer.concat([makeNote("GNU", 18, Buffer.alloc(20)), makeNote("Xen", 6, Buffer.from("linux\0")), makeNote("Xen", 18, value.subarray(0, bytes))]);
}

export function exampleSegments(): Segment[] {
  return [
    { type: LOAD, address: 0x200000n, bytes: pattern(0x1234), memorySize: 0x3000n },
    { type: LOAD, address: 0x400000n, bytes: pattern(0x100) },
    { type: LOAD, address: 0x500000n, bytes: Buffer.alloc(0), memorySize: 0x1000n },
    { type: NOTE, address: 0x200000n, bytes: entryNote() },
  ];
}

/** Offsets in makeElf()'s files. */
export const ELF64 = { programHeaders: 0x20, entrySize: 0x36, entryCount: 0x38, headerSize: 64, programHeaderSize: 56 } as const;
export const ELF32 = { programHeaders: 0x1c, entrySize: 0x2a, entryCount: 0x2c, headerSize: 52, programHeaderSize: 32 } as const;

export function makeElf(segments = exampleSegments(), bits: 32 | 64 = 64): Buffer {
  const layout = bits === 64 ? ELF64 : ELF32;
  const headers = Buffer.alloc(layout.headerSize + segments.length * layout.programHeaderSize);
  headers.write("\x7fELF", "latin1");
  headers.writeUInt8(bits === 64 ? 2 : 1, 4);
  headers.writeUInt8(1, 5);
  headers.writeUInt8(1, 6);
  headers.writeUInt16LE(2, 0x10);
  headers.writeUInt16LE(bits === 64 ? 62 : 3, 0x12);
  headers.writeUInt32LE(layout.headerSize, layout.programHeaders);
  headers.writeUInt16LE(layout.programHeaderSize, layout.entrySize);
  headers.writeUInt16LE(segments.length, layout.entryCount);
  let offset = headers.length;
  segments.forEach((segment, index) => {
    const at = layout.headerSize + index * layout.programHeaderSize;
    if (bits === 64) writeProgramHeader64(headers, at, segment, offset);
    else writeProgramHeader32(headers, at, segment, offset);
    offset += segment.bytes.length;
  });
  return Buffer.concat([headers, ...segments.map((segment) => segment.bytes)]);
}

function writeProgramHeader64(headers: Buffer, at: number, segment: Segment, offset: number): void {
  headers.writeUInt32LE(segment.type, at);
  headers.writeBigUInt64LE(BigInt(offset), at + 8);
  headers.writeBigUInt64LE(segment.address | 0xffffffff80000000n, at + 16);
  headers.writeBigUInt64LE(segment.address, at + 24);
  headers.writeBigUInt64LE(BigInt(segment.bytes.length), at + 32);
  headers.writeBigUInt64LE(segment.memorySize ?? BigInt(segment.bytes.length), at + 40);
}

function writeProgramHeader32(headers: Buffer, at: number, segment: Segment, offset: number): void {
  headers.writeUInt32LE(segment.type, at);
  headers.writeUInt32LE(offset, at + 4);
  headers.writeUInt32LE(0xc0000000, at + 8);
  headers.writeUInt32LE(Number(segment.address), at + 12);
  headers.writeUInt32LE(segment.bytes.length, at + 16);
  headers.writeUInt32LE(Number(segment.memorySize ?? BigInt(segment.bytes.length)), at + 20);
}
