// The bytes of the instruction at RIP.

import { load64, load8 } from "../imports";
import { AccessStatus } from "../interface";
import { codeAddress, isUser } from "./frame";
import { Access, NOT_MAPPED, translate } from "./guest-paging";

const PAGE_SIZE: u32 = 4096;
/** SDM 2A 2.3.11: a longer instruction is not valid. */
const MAXIMUM_LENGTH: u32 = 15;
const BUFFER_SIZE: u32 = 16;

const buffer: usize = memory.data(16);
/** Bytes in the buffer. */
let available: u32 = 0;
/** Bytes taken from the buffer. */
let taken: u32 = 0;
/** Done as long as every byte asked for was there. */
let status: AccessStatus = AccessStatus.Done;

/** Reads up to the end of RIP's page. False if that page is not mapped. */
export function openInstruction(): bool {
  taken = 0;
  status = AccessStatus.Done;
  const linear = codeAddress();
  const code = translateCode(linear);
  if (code == NOT_MAPPED) return false;
  const room = PAGE_SIZE - (<u32>linear & (PAGE_SIZE - 1));
  if (room < BUFFER_SIZE) {
    available = 0;
    append(code, room);
    return true;
  }
  available = BUFFER_SIZE;
  store<u64>(buffer, load64(code));
  store<u64>(buffer, load64(code + 8), 8);
  return true;
}

/** The first 8 bytes if they lie on RIP's page, else 0. */
export function firstBytes(): u64 {
  return available >= 8 ? load<u64>(buffer) : 0;
}

export function next8(): u32 {
  return take(1) ? load<u8>(buffer + taken - 1) : 0;
}

export function next16(): u32 {
  return take(2) ? load<u16>(buffer + taken - 2) : 0;
}

export function next32(): u32 {
  return take(4) ? load<u32>(buffer + taken - 4) : 0;
}

export function next64(): u64 {
  return take(8) ? load<u64>(buffer + taken - 8) : 0;
}

export function instructionLength(): u32 {
  return taken;
}

/** GuestFault if a byte asked for was not mapped, Undecodable if the instruction is too long; bytes not there read 0. */
export function fetchStatus(): AccessStatus {
  return status;
}

function take(count: u32): bool {
  if (status != AccessStatus.Done) return false;
  if (taken + count > MAXIMUM_LENGTH) return fail(AccessStatus.Undecodable);
  if (taken + count > available && !readSecondPage()) return fail(AccessStatus.GuestFault);
  taken += count;
  return true;
}

function fail(reason: AccessStatus): bool {
  status = reason;
  return false;
}

function readSecondPage(): bool {
  const code = translateCode(codeAddress() + available);
  if (code == NOT_MAPPED) return false;
  append(code, BUFFER_SIZE - available);
  return true;
}

function append(code: u64, count: u32): void {
  for (let i: u32 = 0; i < count; i++) store<u8>(buffer + available + i, load8(code + i));
  available += count;
}

function translateCode(linear: u64): u64 {
  return translate(linear, isUser() ? Access.Fetch | Access.User : Access.Fetch);
}
