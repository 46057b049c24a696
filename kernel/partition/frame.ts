// The vCPU's registers, lent to the monitor for one instruction.

import { Mailbox, SEGMENTS, SegmentFrame, TaskSegment, VcpuFrame } from "../../monitor/interface";
import * as backend from "../cpu/backend";
import { Rflags } from "../cpu/control-register";
import { Register, readRegister, writeRegister } from "../cpu/registers";
import { peek32, peek64, poke32, poke64 } from "./monitor";
import { enterMonitor } from "./monitor-lock";

const FRAME: u32 = Mailbox.Frame;
const LONG_MODE: u64 = 1;
/** FS and GS, the only segments with a base in 64-bit code. */
const FIRST_IN_LONG_MODE: u32 = 4;
const FAULT_VECTOR_SHIFT: u64 = 32;
const EXCEPTION: u32 = 31;
const PAGE_FAULT: u32 = 14;

/** In the monitor, which may be refused: puts into the mailbox what a task switch needs; `next` is where the old task goes on. */
export function lendTask(next: u64): bool {
  if (!lendFrame()) return false;
  poke64(FRAME + VcpuFrame.Rip, next);
  for (let segment: u32 = 0; segment < <u32>TaskSegment.Count; segment++) lendSegment(segment);
  for (let segment: u32 = 0; segment < <u32>TaskSegment.Gdt; segment++) poke32(Mailbox.Selectors + (segment << 2), backend.segmentSelector(segment));
  return true;
}

/** In the monitor, which may be refused: puts the registers into the mailbox. */
export function lendFrame(): bool {
  if (!enterMonitor()) return false;
  for (let register: u32 = 0; register < <u32>Register.COUNT; register++) poke64(FRAME + (register << 3), readRegister(register));
  poke64(FRAME + (<u32>Register.RSP << 3), backend.readAnyRegister(Register.RSP));
  poke64(FRAME + VcpuFrame.Rip, backend.instructionPointer());
  poke64(FRAME + VcpuFrame.Rflags, backend.flags());
  poke64(FRAME + VcpuFrame.Cr0, backend.cr0());
  poke64(FRAME + VcpuFrame.Cr3, backend.cr3());
  poke64(FRAME + VcpuFrame.Cr4, backend.cr4());
  poke64(FRAME + VcpuFrame.Efer, backend.efer());
  const codeMode = backend.codeMode();
  poke64(FRAME + VcpuFrame.CodeMode, codeMode);
  if (codeMode & LONG_MODE) lendBases();
  else lendSegments();
  return true;
}

/** All that the segments are in 64-bit code. */
function lendBases(): void {
  for (let segment = FIRST_IN_LONG_MODE; segment < SEGMENTS; segment++) poke64(placeOf(segment) + SegmentFrame.Base, backend.segmentBase(segment));
}

function lendSegments(): void {
  for (let segment: u32 = 0; segment < SEGMENTS; segment++) lendSegment(segment);
}

function lendSegment(segment: u32): void {
  const place = placeOf(segment);
  poke64(place + SegmentFrame.Base, backend.segmentBase(segment));
  poke32(place + SegmentFrame.Limit, backend.segmentLimit(segment));
  poke32(place + SegmentFrame.Rights, backend.segmentRights(segment));
}

function placeOf(segment: u32): u32 { return Mailbox.Segments + segment * SegmentFrame.Size; }

/** The guest's own tables or registers do not let the instruction through: it gets its #PF or another fault. */
export function raiseGuestFault(): void {
  const fault = peek64(FRAME + VcpuFrame.CodeMode);
  const vector = <u32>(fault >> FAULT_VECTOR_SHIFT) & EXCEPTION;
  if (vector == PAGE_FAULT) backend.injectPageFault(peek64(FRAME + VcpuFrame.LinearAddress), <u32>fault);
  else backend.injectFault(vector, <u32>fault);
}

/** Takes back general registers, RIP and arithmetic flags, and nothing else. */
export function takeBackFrame(): void {
  takeBackRegisters();
  const lent = peek64(FRAME + VcpuFrame.Rflags);
  // The instruction is over, and RF with it (SDM 3B 18.3.1.1).
  backend.setFlags((backend.flags() & ~(Rflags.ARITHMETIC | Rflags.RF)) | (lent & Rflags.ARITHMETIC));
  backend.setInstructionPointer(peek64(FRAME + VcpuFrame.Rip));
  backend.endInstruction();
}

/** Takes back a new task: all that it has besides general registers too. Its first instruction may be one that faults. */
export function takeBackTask(): void {
  takeBackRegisters();
  backend.setFlags(peek64(FRAME + VcpuFrame.Rflags));
  backend.setInstructionPointer(peek64(FRAME + VcpuFrame.Rip));
  takeBackSegments();
  backend.enterTask(peek64(FRAME + VcpuFrame.Cr3));
  if (peek64(FRAME + VcpuFrame.CodeMode) >> FAULT_VECTOR_SHIFT) raiseGuestFault();
}

/** All that lendTask() lent. */
export function takeBackSegments(): void {
  for (let segment: u32 = 0; segment < <u32>TaskSegment.Gdt; segment++) {
    const place = placeOf(segment);
    const selector = peek32(Mailbox.Selectors + (segment << 2));
    backend.writeSegment(segment, selector, peek64(place + SegmentFrame.Base), peek32(place + SegmentFrame.Limit), peek32(place + SegmentFrame.Rights));
  }
}

function takeBackRegisters(): void {
  backend.writeAnyRegister(Register.RSP, peek64(FRAME + (<u32>Register.RSP << 3)));
  for (let register: u32 = 0; register < <u32>Register.COUNT; register++) writeRegister(register, peek64(FRAME + (register << 3)));
}
