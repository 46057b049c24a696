// The verbs by which exit handlers act on this core's vCPU.

import { Efer, Rflags } from "../control-register";
import { Register, readRegister, writeRegister } from "../registers";
import { VmcsField } from "./field";
import { vmread, vmwrite } from "./instructions";

/** Guest interruptibility state, SDM 3C table 25-3. */
export namespace Interruptibility {
  export const STI: u64 = 1 << 0;
  export const MOV_SS: u64 = 1 << 1;
  export const NMI: u64 = 1 << 3;
}

const ACTIVITY_HLT: u64 = 1;
const CS_ACCESS_L: u64 = 1 << 13;
const CS_ACCESS_D: u64 = 1 << 14;
const SS_ACCESS_DPL_SHIFT: u64 = 5;

/** Moves RIP past the instruction that exited and ends the interrupt shadow that covered it. */
export function advance(): void {
  vmwrite(VmcsField.GUEST_RIP, vmread(VmcsField.GUEST_RIP) + vmread(VmcsField.VM_EXIT_INSTRUCTION_LENGTH));
  endInterruptShadow();
}

export function endInterruptShadow(): void {
  const state = vmread(VmcsField.GUEST_INTERRUPTIBILITY);
  if (state & (Interruptibility.STI | Interruptibility.MOV_SS)) {
    vmwrite(VmcsField.GUEST_INTERRUPTIBILITY, state & ~(Interruptibility.STI | Interruptibility.MOV_SS));
  }
}

/** Linear address of the access that exited, where the exit gives one (SDM 3C 28.2.1). */
export function linearAddress(): u64 { return vmread(VmcsField.GUEST_LINEAR_ADDRESS); }
export function instructionPointer(): u64 { return vmread(VmcsField.GUEST_RIP); }
export function setInstructionPointer(value: u64): void { vmwrite(VmcsField.GUEST_RIP, value); }
export function flags(): u64 { return vmread(VmcsField.GUEST_RFLAGS); }
export function setFlags(value: u64): void { vmwrite(VmcsField.GUEST_RFLAGS, value); }
export function cr0(): u64 { return vmread(VmcsField.GUEST_CR0); }
export function cr3(): u64 { return vmread(VmcsField.GUEST_CR3); }
export function cr4(): u64 { return vmread(VmcsField.GUEST_CR4); }
export function efer(): u64 { return vmread(VmcsField.GUEST_IA32_EFER); }
export function interruptsEnabled(): bool { return (vmread(VmcsField.GUEST_RFLAGS) & Rflags.IF) != 0; }

/** Bit 0 CS.L while IA-32e mode is active, bit 1 CS.D, bits 2-3 CPL. */
export function codeMode(): u64 {
  const access = vmread(VmcsField.GUEST_CS_ACCESS_RIGHTS);
  const long: u64 = (access & CS_ACCESS_L) && (efer() & Efer.LMA) ? 1 : 0;
  const default32: u64 = access & CS_ACCESS_D ? 2 : 0;
  return long | default32 | (privilegeLevel() << 2);
}

/** CPL, which VMX keeps as the DPL of SS (SDM 3C 25.4.1). */
export function privilegeLevel(): u64 {
  return (vmread(VmcsField.GUEST_SS_ACCESS_RIGHTS) >> SS_ACCESS_DPL_SHIFT) & 3;
}

/** Register by number, RSP included. */
export function readAnyRegister(register: u32): u64 {
  return register == Register.RSP ? vmread(VmcsField.GUEST_RSP) : readRegister(register);
}

export function writeAnyRegister(register: u32, value: u64): void {
  if (register == Register.RSP) vmwrite(VmcsField.GUEST_RSP, value);
  else writeRegister(register, value);
}

/** Sleeps until the next event, which wakes the vCPU by being injected or by its exit. */
export function sleep(): void { vmwrite(VmcsField.GUEST_ACTIVITY_STATE, ACTIVITY_HLT); }
export function wake(): void { vmwrite(VmcsField.GUEST_ACTIVITY_STATE, 0); }
