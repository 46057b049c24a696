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

/** Pending debug exceptions, SDM 3C table 25-4. */
namespace PendingDebug {
  export const ENABLED_BREAKPOINT: u64 = 1 << 12;
  export const BS: u64 = 1 << 14;
}

/** IA32_DEBUGCTL.BTF: RFLAGS.TF traps after branches only, SDM 3B 18.4.1. */
export const DEBUGCTL_BTF: u64 = 1 << 1;

const ACTIVITY_HLT: u64 = 1;
const CS_ACCESS_L: u64 = 1 << 13;
const CS_ACCESS_D: u64 = 1 << 14;
const SS_ACCESS_DPL_SHIFT: u64 = 5;

/** Moves RIP past the instruction that exited, with all that its end brings. */
export function advance(): void {
  movePastInstruction();
  endInstruction();
}

// @ts-ignore: decorator
@inline
export function movePastInstruction(): void {
  vmwrite(VmcsField.GUEST_RIP, vmread(VmcsField.GUEST_RIP) + vmread(VmcsField.VM_EXIT_INSTRUCTION_LENGTH));
}

/**
 * An instruction that ended at 4 GiB in 32-bit code is followed by the one at 0. That is so rare that nothing looks for it before
 * VM entry refuses the address (SDM 3C 27.3.1.4) and leaves all else as it was; false if the refusal has another cause.
 */
export function wrapInstructionPointer(): bool {
  const pointer = vmread(VmcsField.GUEST_RIP);
  if (pointer >> 32 != 1 || (codeMode() & CODE_LONG)) return false;
  vmwrite(VmcsField.GUEST_RIP, pointer & 0xffffffff);
  return true;
}

/** The end of an instruction that the kernel carried out: the interrupt shadow over it ends, and a single step is over. */
export function endInstruction(): void {
  const step = vmread(VmcsField.GUEST_RFLAGS) & Rflags.TF;
  if (vmread(VmcsField.GUEST_INTERRUPTIBILITY) | step) endShadowAndStep(step != 0);
}

function endShadowAndStep(step: bool): void {
  vmwrite(VmcsField.GUEST_INTERRUPTIBILITY, vmread(VmcsField.GUEST_INTERRUPTIBILITY) & ~(Interruptibility.STI | Interruptibility.MOV_SS));
  if (!step || (vmread(VmcsField.GUEST_IA32_DEBUGCTL) & DEBUGCTL_BTF)) return;
  // The entry delivers #DB with DR6.BS and clears DR7.GD, SDM 3C 27.7.3.
  vmwrite(VmcsField.GUEST_PENDING_DEBUG_EXCEPTIONS, PendingDebug.BS);
}

/** Whether an NMI was delivered and its IRET is still to come. */
export function isServingNmi(): bool { return (vmread(VmcsField.GUEST_INTERRUPTIBILITY) & Interruptibility.NMI) != 0; }

/** Whether the next entry delivers a debug trap, which goes before interrupts and NMIs (SDM 3A table 6-2). */
export function isTrapPending(): bool {
  return (vmread(VmcsField.GUEST_PENDING_DEBUG_EXCEPTIONS) & (PendingDebug.BS | PendingDebug.ENABLED_BREAKPOINT)) != 0;
}

export function instructionPointer(): u64 { return vmread(VmcsField.GUEST_RIP); }
export function setInstructionPointer(value: u64): void { vmwrite(VmcsField.GUEST_RIP, value); }
export function flags(): u64 { return vmread(VmcsField.GUEST_RFLAGS); }
export function setFlags(value: u64): void { vmwrite(VmcsField.GUEST_RFLAGS, value); }
export function cr3(): u64 { return vmread(VmcsField.GUEST_CR3); }
export function cr4(): u64 { return vmread(VmcsField.GUEST_CR4); }
export function efer(): u64 { return vmread(VmcsField.GUEST_IA32_EFER); }
/** IA32_DEBUGCTL. */
export function debugControl(): u64 { return vmread(VmcsField.GUEST_IA32_DEBUGCTL); }
export function setDebugControl(value: u64): void { vmwrite(VmcsField.GUEST_IA32_DEBUGCTL, value); }
/** What the guest's time-stamp counter has over the processor's. */
export function setTimeOffset(offset: u64): void { vmwrite(VmcsField.TSC_OFFSET, offset); }
export function interruptsEnabled(): bool { return (vmread(VmcsField.GUEST_RFLAGS) & Rflags.IF) != 0; }

/** Segment registers in encoding order: ES, CS, SS, DS, FS, GS, then LDTR, TR and GDTR. Their fields follow each other so (SDM 3D B.3, B.4). */
export function segmentBase(segment: u32): u64 { return vmread(VmcsField.GUEST_ES_BASE + (segment << 1)); }
export function segmentLimit(segment: u32): u32 { return <u32>vmread(VmcsField.GUEST_ES_LIMIT + (segment << 1)); }
/** As in SDM 3C table 25-2. */
export function segmentRights(segment: u32): u32 { return <u32>vmread(VmcsField.GUEST_ES_ACCESS_RIGHTS + (segment << 1)); }

export function segmentSelector(segment: u32): u32 { return <u32>vmread(VmcsField.GUEST_ES_SELECTOR + (segment << 1)); }
/** Not of GDTR. */
export function writeSegment(segment: u32, selector: u32, base: u64, limit: u32, rights: u32): void {
  vmwrite(VmcsField.GUEST_ES_SELECTOR + (segment << 1), selector);
  vmwrite(VmcsField.GUEST_ES_BASE + (segment << 1), base);
  vmwrite(VmcsField.GUEST_ES_LIMIT + (segment << 1), limit);
  vmwrite(VmcsField.GUEST_ES_ACCESS_RIGHTS + (segment << 1), rights);
}

const CODE_LONG: u64 = 1;
/** Bit 0 CS.L while IA-32e mode is active, bit 1 CS.D, bits 2-3 CPL. */
export function codeMode(): u64 {
  const access = vmread(VmcsField.GUEST_CS_ACCESS_RIGHTS);
  const long: u64 = (access & CS_ACCESS_L) && (efer() & Efer.LMA) ? 1 : 0;
  const default32: u64 = access & CS_ACCESS_D ? 2 : 0;
  return long | default32 | (privilegeLevel() << 2);
}

/** CPL, which VMX keeps as the DPL of SS (SDM 3C 25.4.1). */
export function privilegeLevel(): u64 { return (vmread(VmcsField.GUEST_SS_ACCESS_RIGHTS) >> SS_ACCESS_DPL_SHIFT) & 3; }

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
