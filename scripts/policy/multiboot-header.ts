// Multiboot headers of a kernel file, read as monitor/loader/multiboot.ts and multiboot2-header.ts read them.

import { UserError } from "../error.ts";
import { hexadecimal } from "./placement.ts";

const HEADER_MAGIC = 0x1badb002;
const SEARCHED = 8192;
const REQUIRED_FLAGS = 0xffff;
const KNOWN_FLAGS = 0b111;
const ADDRESSES_FLAG = 1 << 16;

const HEADER2_MAGIC = 0xe85250d6;
const SEARCHED2 = 32768;
const OPTIONAL = 1;
const CONSOLE_TAG = 4;
const RELOCATABLE_TAG = 10;
const REQUEST_TAG = 1;
const ADDRESS_TAG = 2;
const ENTRY_TAG = 3;
/** Bytes of the tags whose content is read. */
const SMALLEST_SIZES: Record<number, number> = { [ADDRESS_TAG]: 24, [ENTRY_TAG]: 12, [CONSOLE_TAG]: 12, [RELOCATABLE_TAG]: 24 };
/** Tags of a Multiboot2 header that the loader honours or may pass over. */
const KNOWN_TAGS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
/** Tags of the Multiboot2 information that the loader gives. */
const GIVEN_TAGS = [1, 2, 3, 4, 6, 9, 14, 15, 21];

/** Addresses in a multiboot header, and where its file's content goes. */
export interface AddressFields {
  /** Offset in the file of what goes to `start`; negative if the fields allow none. */
  offset: number;
  start: number;
  /** Ends of what is copied and of what is zeroed; 0 as in the header. */
  loadEnd: number;
  bssEnd: number;
}

/** What the header of a kernel asks for. */
export interface MultibootHeader {
  /** Null: the image has ELF headers. */
  addresses: AddressFields | null;
  /** Null: the entry point is that of the ELF header. */
  entry: number | null;
  /** Null: it must lie where it was linked. */
  relocation: Relocation | null;
}

/** Where an image may lie: from `lowest` on, ending at `highest` or before. */
export interface Relocation {
  lowest: number;
  highest: number;
  alignment: number;
}

/** `field` names the image in messages. */
export function readMultibootHeader(bytes: Buffer, file: string, field: string): MultibootHeader {
  const at = offsets(bytes, SEARCHED, 4, 12).find((offset) => isHeader(bytes, offset, HEADER_MAGIC, 4, 8));
  if (at === undefined) throw missing(`${field} is multiboot({ ... }), but ${file} has no multiboot header in its first 8 KiB`, "multiboot2");
  const flags = bytes.readUInt32LE(at + 4);
  const unknown = flags & REQUIRED_FLAGS & ~KNOWN_FLAGS;
  if (unknown !== 0) {
    throw new UserError(
      `${field}: the multiboot header of ${file} has the flags ${hexadecimal(flags)}, of which ${hexadecimal(unknown)} require what is not supported`,
      "Build it with none of the flags 3 to 15.",
    );
  }
  if ((flags & ADDRESSES_FLAG) === 0) return { addresses: null, entry: null, relocation: null };
  if (at + 32 > bytes.length) throw cut(file, field);
  return { addresses: readAddresses(bytes, at, at + 12), entry: bytes.readUInt32LE(at + 28), relocation: null };
}

/** `field` names the image in messages. */
export function readMultiboot2Header(bytes: Buffer, file: string, field: string): MultibootHeader {
  const at = offsets(bytes, SEARCHED2, 8, 16).find((offset) => isHeader(bytes, offset, HEADER2_MAGIC, 8, 12) && bytes.readUInt32LE(offset + 4) === 0);
  if (at === undefined) throw missing(`${field} is multiboot2({ ... }), but ${file} has no multiboot2 header for i386 in its first 32 KiB`, "multiboot");
  const end = at + bytes.readUInt32LE(at + 8);
  const header: MultibootHeader = { addresses: null, entry: null, relocation: null };
  let tag = at + 16;
  while (tag + 8 <= end && end <= bytes.length) {
    const type = bytes.readUInt16LE(tag);
    const size = bytes.readUInt32LE(tag + 4);
    if (size < 8 || tag + size > end) break;
    if (type === 0) return header;
    if (size < (SMALLEST_SIZES[type] ?? 8)) break;
    checkTag(bytes.subarray(tag, tag + size), type, file, field);
    if (type === ADDRESS_TAG) header.addresses = readAddresses(bytes, at, tag + 8);
    if (type === ENTRY_TAG) header.entry = bytes.readUInt32LE(tag + 8);
    if (type === RELOCATABLE_TAG) header.relocation = readRelocation(bytes, tag + 8);
    if (header.relocation !== null && !isPowerOfTwo(header.relocation.alignment)) break;
    tag += Math.ceil(size / 8) * 8;
  }
  throw cut(file, field);
}

function offsets(bytes: Buffer, searched: number, step: number, size: number): number[] {
  const end = Math.min(bytes.length, searched);
  return Array.from({ length: Math.max(0, Math.floor((end - size) / step) + 1) }, (_, index) => index * step);
}

/** The magic and the two fields must add up to 0 with the others of the header. */
function isHeader(bytes: Buffer, at: number, magic: number, second: number, checksum: number): boolean {
  if (bytes.readUInt32LE(at) !== magic) return false;
  return ((magic + bytes.readUInt32LE(at + second) + bytes.readUInt32LE(at + checksum)) & 0xffffffff) === 0;
}

function readRelocation(bytes: Buffer, at: number): Relocation {
  const [lowest, highest, alignment] = [0, 4, 8].map((offset) => bytes.readUInt32LE(at + offset)) as [number, number, number];
  return { lowest, highest, alignment: Math.max(alignment, 1) };
}

function isPowerOfTwo(value: number): boolean {
  return Number.isInteger(Math.log2(value));
}

function readAddresses(bytes: Buffer, header: number, fields: number): AddressFields {
  const [headerAddress, start, loadEnd, bssEnd] = [0, 4, 8, 12].map((offset) => bytes.readUInt32LE(fields + offset)) as [number, number, number, number];
  const offset = headerAddress < start ? -1 : header - (headerAddress - start);
  return { offset, start, loadEnd, bssEnd };
}

function checkTag(tag: Buffer, type: number, file: string, field: string): void {
  if ((tag.readUInt16LE(2) & OPTIONAL) !== 0) return;
  const wantsConsole = type === CONSOLE_TAG && (tag.readUInt32LE(8) & 1) !== 0;
  if (!KNOWN_TAGS.includes(type) || wantsConsole) {
    throw new UserError(`${field}: the multiboot2 header of ${file} has the required tag ${type}, which is not supported`, "Build it without the tag, or make it optional.");
  }
  if (type !== REQUEST_TAG) return;
  const requests = Array.from({ length: Math.floor((tag.length - 8) / 4) }, (_, index) => tag.readUInt32LE(8 + index * 4));
  const unknown = requests.find((request) => !GIVEN_TAGS.includes(request));
  if (unknown === undefined) return;
  throw new UserError(
    `${field}: the multiboot2 header of ${file} requires the information tag ${unknown}, which is not given`,
    `Build it without the request, or make it optional; given are ${GIVEN_TAGS.join(", ")}.`,
  );
}

function missing(message: string, other: string): UserError {
  return new UserError(message, `Write ${other}({ ... }) if the kernel is of that kind, or link the header to the start of the file.`);
}

function cut(file: string, field: string): UserError {
  return new UserError(`${field}: the multiboot header of ${file} is malformed`, "Build or fetch the file again.");
}
