// The vCPU's registers, lent to the monitor for one instruction.

import { Mailbox, SEGMENTS, SegmentFrame, VcpuFrame } from "../../monitor/interface";
import * as backend from "../cpu/backend";
import { Rflags } from "../cpu/control-register";
import { Register, readRegister, writeRegister } from "../cpu/registers";
import { peek64, poke32, poke64 } from "./monitor";
import { enterMonitor } from "./monitor-lock";

const FRAME: u32 = Mailbox.Frame;
const LONG_MODE: u64 = 1;
/** FS and GS, the only segments with a base in 64-bit code. */
const FIRST_IN_LONG_MODE: u32 = 4;
const FAULT_VECTOR_SHIFT: u64 = 32;
const STACK_FAULT: u64 = 12;
const PAGE_FAULT: u64 = 14;

/** Puts the registers into the mailbox. */
export function lendFrame(): void {
  enterMonitor();
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
}

/** All that the segments are in 64-bit code. */
function lendBases(): void {
  for (let segment = FIRST_IN_LONG_MODE; segment < SEGMENTS; segment++) poke64(placeOf(segment) + SegmentFrame.Base, backend.segmentBase(segment));
}

function lendSegments(): void {
  for (let segment: u32 = 0; segment < SEGMENTS; segment++) {
    const place = placeOf(segment);
    poke64(place + SegmentFrame.Base, backend.segmentBase(segment));
    poke32(place + SegmentFrame.Limit, backend.segmentLimit(segment));
    poke32(place + SegmentFrame.Rights, backend.segmentRights(segment));
  }
}

function placeOf(segment: u32): u32 {
  return Mailbox.Segments + segment * SegmentFrame.Size;
}

/** The guest's own tables do not let the instruction through: it gets its #PF, #SS or #GP. */
export function raiseGuestFault(): void {
  const fault = peek64(FRAME + VcpuFrame.CodeMode);
  const vector = fault >> FAULT_VECTOR_SHIFT;
  if (vector == PAGE_FAULT) backend.injectPageFault(peek64(FRAME + VcpuFrame.LinearAddress), <u32>fault);
  else if (vector == STACK_FAULT) backend.injectStackFault();
  else backend.injectGeneralProtection();
}

/** Takes back general registers, RIP and arithmetic flags, and nothing else. */
export function takeBackFrame(): void {
  backend.writeAnyRegister(Register.RSP, peek64(FRAME + (<u32>Register.RSP << 3)));
  for (let register: u32 = 0; register < <u32>Register.COUNT; register++) writeRegister(register, peek64(FRAME + (register << 3)));
  const lent = peek64(FRAME + VcpuFrame.Rflags);
  // The instruction is over, and RF with it (SDM 3B 18.3.1.1).
  backend.setFlags((backend.flags() & ~(Rflags.ARITHMETIC | Rflags.RF)) | (lent & Rflags.ARITHMETIC));
  backend.setInstructionPointer(peek64(FRAME + VcpuFrame.Rip));
  backend.endInstruction();
}
