// ACPI Machine Language (ACPI 5.0, 20.2): the few terms that the DSDT needs.

import { patch8, put16, put32, put8, putText, tell } from "./writer";

const enum Op {
  Name = 0x08,
  BytePrefix = 0x0a,
  DwordPrefix = 0x0c,
  StringPrefix = 0x0d,
  Scope = 0x10,
  Buffer = 0x11,
  Package = 0x12,
  RootCharacter = 0x5c,
  ExtendedPrefix = 0x5b,
  Device = 0x82, // after ExtendedPrefix
}

/** Small resource descriptors (ACPI 5.0, 6.4.2), tag and length. */
const enum Resource { InterruptNoFlags = 0x22, IoPorts = 0x47, EndTag = 0x79 }
const DECODE_16: u32 = 1;

/** PkgLength in two bytes: low nibble and count of further bytes, then bits 4-11. */
const PACKAGE_LENGTH_SIZE: u32 = 2;
const ONE_MORE_BYTE: u32 = 1 << 6;

/** Scope (\name). Returns what endPackage() needs. */
export function beginScope(name: string): u32 {
  put8(Op.Scope);
  const length = beginPackageLength();
  put8(Op.RootCharacter);
  putText(name);
  return length;
}

/** Device (name). Returns what endPackage() needs. */
export function beginDevice(name: string): u32 {
  put8(Op.ExtendedPrefix);
  put8(Op.Device);
  const length = beginPackageLength();
  putText(name);
  return length;
}

/** Package () with `count` elements, which follow. Returns what endPackage() needs. */
export function beginPackage(count: u32): u32 {
  put8(Op.Package);
  const length = beginPackageLength();
  put8(count);
  return length;
}

/** Ends a scope, device, package or resource template: fills in its length, which counts itself. */
export function endPackage(lengthPosition: u32): void {
  const length = tell() - lengthPosition;
  patch8(lengthPosition, ONE_MORE_BYTE | (length & 0xf));
  patch8(lengthPosition + 1, length >> 4);
}

function beginPackageLength(): u32 {
  const position = tell();
  put16(0);
  return position;
}

/** Name (name, …): the value follows. */
export function putName(name: string): void {
  put8(Op.Name);
  putText(name);
}

export function putByte(value: u32): void {
  put8(Op.BytePrefix);
  put8(value);
}

export function putDword(value: u32): void {
  put8(Op.DwordPrefix);
  put32(value);
}

export function putString(text: string): void {
  put8(Op.StringPrefix);
  putText(text);
  put8(0);
}

/** EisaId, for example of "PNP0501": three letters of five bits, four hexadecimal digits, most significant byte first. */
export function putEisaId(vendor: string, product: u32): void {
  put8(Op.DwordPrefix);
  let letters: u32 = 0;
  for (let i = 0; i < 3; i++) letters = (letters << 5) | (vendor.charCodeAt(i) & 0x1f);
  put32(bswap<u32>((letters << 16) | product));
}

/** ResourceTemplate (): descriptors follow; end with endResources(). */
export function beginResources(size: u32): u32 {
  put8(Op.Buffer);
  const length = beginPackageLength();
  putByte(size + 2); // with the end tag
  return length;
}

export function endResources(lengthPosition: u32): void {
  put8(Resource.EndTag);
  put8(0); // checksum not used
  endPackage(lengthPosition);
}

export const IO_PORTS_SIZE: u32 = 8;
export const INTERRUPT_SIZE: u32 = 3;

/** IO (Decode16, port, port, 1, count) */
export function putIoPorts(port: u32, count: u32): void {
  put8(Resource.IoPorts);
  put8(DECODE_16);
  put16(port);
  put16(port);
  put8(1); // alignment
  put8(count);
}

/** IRQNoFlags () {irq} */
export function putInterrupt(irq: u32): void {
  put8(Resource.InterruptNoFlags);
  put16(1 << irq);
}
