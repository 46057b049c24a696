// The vCPU's registers that the kernel lends for one access (VcpuFrame).

import { Mailbox, VcpuFrame } from "../interface";

/** General registers in encoding order (SDM 2A table 2-2). */
export const enum Register { Rax = 0, Rcx = 1, Rdx = 2, Rbx = 3, Rsp = 4, Rbp = 5, Rsi = 6, Rdi = 7 }

/** SDM 1 3.4.3. */
export const enum Rflags {
  Cf = 1 << 0,
  Pf = 1 << 2,
  Af = 1 << 4,
  Zf = 1 << 6,
  Sf = 1 << 7,
  Tf = 1 << 8,
  If = 1 << 9,
  Df = 1 << 10,
  Of = 1 << 11,
  Vm = 1 << 17,
  Ac = 1 << 18,
}

const enum CodeMode { Long = 1 << 0, Default32 = 1 << 1, CplShift = 2, CplMask = 3 }

const USER_LEVEL: u64 = 3;

// @ts-ignore: decorator
@inline export function frame(field: VcpuFrame): u64 {
  return load<u64>(Mailbox.Frame + field);
}

// @ts-ignore: decorator
@inline export function setFrame(field: VcpuFrame, value: u64): void {
  store<u64>(Mailbox.Frame + field, value);
}

// @ts-ignore: decorator
@inline function place(register: u32): usize {
  return Mailbox.Frame + VcpuFrame.Registers + ((register & 15) << 3);
}

export function isLongMode(): bool {
  return (frame(VcpuFrame.CodeMode) & CodeMode.Long) != 0;
}

/** Bytes of an operand or address that no prefix changes, outside 64-bit mode: 2 or 4. */
export function defaultSize(): u32 {
  return frame(VcpuFrame.CodeMode) & CodeMode.Default32 ? 4 : 2;
}

export function isUser(): bool {
  return ((frame(VcpuFrame.CodeMode) >> CodeMode.CplShift) & CodeMode.CplMask) == USER_LEVEL;
}

/** The low `size` bytes of all that a value of 1, 2, 4 or 8 bytes can hold. */
export function sizeMask(size: u32): u64 {
  return u64.MAX_VALUE >> (64 - (size << 3));
}

export function readRegister(register: u32, size: u32): u64 {
  return load<u64>(place(register)) & sizeMask(size);
}

/** A write of 4 bytes zeroes the upper half, one of 1 or 2 bytes keeps the rest (SDM 1 3.4.1.1). */
export function writeRegister(register: u32, size: u32, value: u64): void {
  const mask = sizeMask(size);
  const kept: u64 = size >= 4 ? 0 : load<u64>(place(register)) & ~mask;
  store<u64>(place(register), kept | (value & mask));
}

/** Without REX, byte registers 4 to 7 are AH, CH, DH and BH: bits 8-15 of RAX to RBX (SDM 2A table 2-8). */
export function readByteRegister(register: u32, hasRex: bool): u64 {
  if (hasRex || register < 4) return readRegister(register, 1);
  return readRegister(register - 4, 2) >> 8;
}

export function writeByteRegister(register: u32, hasRex: bool, value: u64): void {
  if (hasRex || register < 4) return writeRegister(register, 1, value);
  const low = readRegister(register - 4, 1);
  writeRegister(register - 4, 2, ((value & 0xff) << 8) | low);
}

export function advance(length: u32): void {
  const next = frame(VcpuFrame.Rip) + length;
  setFrame(VcpuFrame.Rip, isLongMode() ? next : next & 0xffffffff);
}
