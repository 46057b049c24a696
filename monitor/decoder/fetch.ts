// The bytes of the instruction at RIP.

import { load64, load8 } from "../imports";
import { AccessStatus, VcpuFrame } from "../interface";
import { translateCode } from "./code-page";
import { frame } from "./frame";
import { NOT_MAPPED } from "./guest-paging";
import { Segment, linearAddress } from "./segment";

const PAGE_SIZE: u32 = 4096;
/** SDM 2A 2.3.11: a longer instruction is not valid. */
const MAXIMUM_LENGTH: u32 = 15;
const BUFFER_SIZE: u32 = 16;

const buffer: usize = memory.data(16);
/** Guest-physical address of the first byte. */
let code: u64 = 0;
/** The buffer's whole length is on RIP's page. */
let isOnOnePage: bool = false;
/** Bytes in the buffer. */
let available: u32 = 0;
/** Bytes taken from the buffer. */
let taken: u32 = 0;
/** Done as long as every byte asked for was there. */
let status: AccessStatus = AccessStatus.Done;

/** Reads the first bytes, from RIP's page alone; more follow when they are asked for. False if the page is not mapped. */
export function openInstruction(): bool {
  taken = 0;
  status = AccessStatus.Done;
  const linear = codeAddress(0);
  code = translateCode(linear);
  if (code == NOT_MAPPED) return false;
  const room = PAGE_SIZE - (<u32>linear & (PAGE_SIZE - 1));
  isOnOnePage = room >= BUFFER_SIZE;
  if (isOnOnePage) {
    store<u64>(buffer, load64(code));
    available = BUFFER_SIZE / 2;
  } else {
    available = 0;
    append(code, room);
  }
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
  if (taken + count > available && !readMore()) return fail(AccessStatus.GuestFault);
  taken += count;
  return true;
}

function fail(reason: AccessStatus): bool {
  status = reason;
  return false;
}

/** The second half of the buffer, or what is on the second page. */
function readMore(): bool {
  if (isOnOnePage) {
    store<u64>(buffer, load64(code + 8), 8);
    available = BUFFER_SIZE;
    return true;
  }
  const second = translateCode(codeAddress(available));
  if (second == NOT_MAPPED) return false;
  append(second, BUFFER_SIZE - available);
  return true;
}

function append(gpa: u64, count: u32): void {
  for (let i: u32 = 0; i < count; i++) store<u8>(buffer + available + i, load8(gpa + i));
  available += count;
}

/** Linear address of the byte `index` after RIP. */
function codeAddress(index: u32): u64 {
  return linearAddress(Segment.Cs, frame(VcpuFrame.Rip) + index);
}
