// A memory operand, in RAM or on a device, which may reach into a second page.

import { highMemory, lowMemory } from "../configuration";
import { load16, load32, load64, load8, store16, store32, store64, store8 } from "../imports";
import { HIGH_MEMORY_BASE } from "../interface";
import { isRefused, readDevice, writeDevice } from "./device-access";
import { isUser } from "./frame";
import { Access, NOT_MAPPED, translate } from "./guest-paging";
import { Segment, checkSegment, linearAddress } from "./segment";

const PAGE_SIZE: u32 = 4096;

@unmanaged
export class Operand {
  /** Guest-physical address, and of the part on a second page. */
  first: u64;
  second: u64;
  /** Bytes in all, and on the first page. */
  size: u32;
  firstSize: u32;
  /** The exit said that no RAM is there. */
  isDevice: bool;
}

/** The operand of an ordinary instruction, and the one at ES:RDI of a string instruction. */
export const destination = changetype<Operand>(memory.data(32, 8));
/** The operand at RSI of a string instruction. */
export const source = changetype<Operand>(memory.data(32, 8));
const part = changetype<Operand>(memory.data(32, 8));

export function isSplit(linear: u64, size: u32): bool {
  return (<u32>linear & (PAGE_SIZE - 1)) + size > PAGE_SIZE;
}

/** An operand on one page whose address the exit gave. */
export function placeOperand(operand: Operand, gpa: u64, size: u32): void {
  operand.first = gpa;
  operand.size = size;
  operand.firstSize = size;
  operand.isDevice = true;
}

/** Checks and translates an operand that the processor may not have looked at yet. False if the guest gets a fault instead. */
export function prepareOperand(operand: Operand, segment: Segment, offset: u64, size: u32, isWrite: bool): bool {
  if (!checkSegment(segment, offset, size, isWrite)) return false;
  return translateOperand(operand, linearAddress(segment, offset), size, isWrite);
}

/** False if a page of the operand is not mapped. */
export function translateOperand(operand: Operand, linear: u64, size: u32, isWrite: bool): bool {
  const access = (isWrite ? Access.Write : Access.Read) | (isUser() ? Access.User : 0);
  const room = PAGE_SIZE - (<u32>linear & (PAGE_SIZE - 1));
  operand.size = size;
  operand.firstSize = min<u32>(room, size);
  operand.isDevice = false;
  operand.first = translate(linear, access);
  if (operand.first == NOT_MAPPED) return false;
  if (room >= size) return true;
  operand.second = translate(linear + room, access);
  return operand.second != NOT_MAPPED;
}

export function readOperand(vcpu: u32, operand: Operand): u64 {
  const gpa = operand.first;
  if (operand.firstSize < operand.size) return readBytes(vcpu, operand);
  if (operand.isDevice || !isMemory(gpa)) return readDevice(vcpu, gpa, operand.size);
  switch (operand.size) {
    case 1: return load8(gpa);
    case 2: return load16(gpa);
    case 4: return load32(gpa);
    default: return load64(gpa);
  }
}

export function writeOperand(vcpu: u32, operand: Operand, value: u64): void {
  const gpa = operand.first;
  if (operand.firstSize < operand.size) return writeBytes(vcpu, operand, value);
  if (operand.isDevice || !isMemory(gpa)) return writeDevice(vcpu, gpa, operand.size, value);
  switch (operand.size) {
    case 1: return store8(gpa, <u8>value);
    case 2: return store16(gpa, <u16>value);
    case 4: return store32(gpa, <u32>value);
    default: return store64(gpa, value);
  }
}

/** `size` bytes, 1, 2, 4 or 8, from `start` on of an operand that may be longer. */
export function readPart(vcpu: u32, operand: Operand, start: u32, size: u32): u64 {
  takePart(operand, start, size);
  return readOperand(vcpu, part);
}

export function writePart(vcpu: u32, operand: Operand, start: u32, size: u32, value: u64): void {
  takePart(operand, start, size);
  writeOperand(vcpu, part, value);
}

function takePart(operand: Operand, start: u32, size: u32): void {
  part.size = size;
  part.isDevice = operand.isDevice;
  part.first = byteAddress(operand, start);
  part.second = operand.second;
  part.firstSize = start < operand.firstSize ? min<u32>(operand.firstSize - start, part.size) : part.size;
}

function isMemory(gpa: u64): bool {
  return gpa < lowMemory() || (gpa >= HIGH_MEMORY_BASE && gpa - HIGH_MEMORY_BASE < highMemory());
}

function byteAddress(operand: Operand, index: u32): u64 {
  return index < operand.firstSize ? operand.first + index : operand.second + (index - operand.firstSize);
}

/** The bus carries an access across a page edge in parts, whose bytes these are. */
function readBytes(vcpu: u32, operand: Operand): u64 {
  let value: u64 = 0;
  for (let i: u32 = 0; i < operand.size && !isRefused(); i++) {
    const gpa = byteAddress(operand, i);
    const byte: u64 = isMemory(gpa) ? load8(gpa) : readDevice(vcpu, gpa, 1);
    value |= byte << (i << 3);
  }
  return value;
}

function writeBytes(vcpu: u32, operand: Operand, value: u64): void {
  for (let i: u32 = 0; i < operand.size && !isRefused(); i++) {
    const gpa = byteAddress(operand, i);
    const byte = (value >> (i << 3)) & 0xff;
    if (isMemory(gpa)) store8(gpa, <u8>byte);
    else writeDevice(vcpu, gpa, 1, byte);
  }
}
