// How far an image reaches in a partition's memory.

import { UserError } from "../error.ts";

/** End, in bytes of guest-physical address, of what the image occupies once loaded. */
export function imageEnd(bytes: Buffer, file: string): number {
  if (isElf64(bytes)) return elfEnd(bytes, file);
  if (isBzImage(bytes)) return bzImageEnd(bytes);
  throw new UserError(`${file} is neither an ELF file for x86-64 nor a bzImage`, "Name a vmlinux with a PVH note, a bzImage or a partition built by `npm run build`.");
}

export function isElf64(bytes: Buffer): boolean {
  return bytes.length >= 64 && bytes.readUInt32BE(0) === 0x7f454c46 && bytes[4] === 2 && bytes.readUInt16LE(18) === 62;
}

/** The setup header's magic (Documentation/arch/x86/boot.rst). */
export function isBzImage(bytes: Buffer): boolean {
  return bytes.length >= 0x268 && bytes.readUInt32LE(0x202) === 0x53726448;
}

function elfEnd(bytes: Buffer, file: string): number {
  const PT_LOAD = 1;
  const table = Number(bytes.readBigUInt64LE(32));
  const entrySize = bytes.readUInt16LE(54);
  const count = bytes.readUInt16LE(56);
  if (entrySize < 56 || table + count * entrySize > bytes.length) {
    throw new UserError(`${file}: the ELF program headers lie outside the file`, "Build or fetch the file again.");
  }
  let end = 0;
  for (let index = 0; index < count; index++) {
    const header = table + index * entrySize;
    if (bytes.readUInt32LE(header) !== PT_LOAD) continue;
    const address = Number(bytes.readBigUInt64LE(header + 24));
    const size = Number(bytes.readBigUInt64LE(header + 40));
    end = Math.max(end, address + size);
  }
  return end;
}

function bzImageEnd(bytes: Buffer): number {
  const preferredAddress = Number(bytes.readBigUInt64LE(0x258));
  const initialisationSize = bytes.readUInt32LE(0x260);
  return preferredAddress + initialisationSize;
}
