// The vCPU's registers, lent to the monitor for one instruction.

import { Mailbox, VcpuFrame } from "../../monitor/interface";
import * as backend from "../cpu/backend";
import { Rflags } from "../cpu/control-register";
import { Register } from "../cpu/registers";
import { peek64, poke64 } from "./monitor";

const FRAME: u32 = Mailbox.Frame;

/** Puts the registers into the mailbox; `linearAddress` is that of the access, 0 if unknown. */
export function lendFrame(linearAddress: u64): void {
  for (let register: u32 = 0; register < <u32>Register.COUNT; register++) {
    poke64(FRAME + (register << 3), backend.readAnyRegister(register));
  }
  poke64(FRAME + VcpuFrame.Rip, backend.instructionPointer());
  poke64(FRAME + VcpuFrame.Rflags, backend.flags());
  poke64(FRAME + VcpuFrame.Cr0, backend.cr0());
  poke64(FRAME + VcpuFrame.Cr3, backend.cr3());
  poke64(FRAME + VcpuFrame.Cr4, backend.cr4());
  poke64(FRAME + VcpuFrame.Efer, backend.efer());
  poke64(FRAME + VcpuFrame.CodeMode, backend.codeMode());
  poke64(FRAME + VcpuFrame.LinearAddress, linearAddress);
}

/** The instruction met a page that the guest's own tables do not map: it gets its #PF. */
export function raiseGuestFault(): void {
  backend.injectPageFault(peek64(FRAME + VcpuFrame.LinearAddress), peek64(FRAME + VcpuFrame.CodeMode));
}

/** Takes back general registers, RIP and arithmetic flags, and nothing else. */
export function takeBackFrame(): void {
  for (let register: u32 = 0; register < <u32>Register.COUNT; register++) {
    backend.writeAnyRegister(register, peek64(FRAME + (register << 3)));
  }
  const lent = peek64(FRAME + VcpuFrame.Rflags);
  backend.setFlags((backend.flags() & ~Rflags.ARITHMETIC) | (lent & Rflags.ARITHMETIC));
  backend.setInstructionPointer(peek64(FRAME + VcpuFrame.Rip));
  backend.endInterruptShadow();
}
