// Events delivered to the guest at VM entry, SDM 3C 25.8.3 and 27.6.

import { Cr0, Rflags } from "../control-register";
import { writeCr2 } from "../processor";
import { Primary } from "./controls";
import { VmcsField } from "./field";
import { vmread, vmwrite } from "./instructions";
import { Interruptibility, isTrapPending, wake } from "./vcpu";

export const VALID: u32 = 1 << 31;
export const DELIVER_ERROR_CODE: u32 = 1 << 11;
export const TYPE_SHIFT: u32 = 8;
export const TYPE_MASK: u32 = 7;
/** Vector, type and error-code bit; bit 12 of a vectoring field is undefined. */
const INFORMATION_MASK: u32 = 0x80000fff;

export const enum EventType { ExternalInterrupt = 0, Nmi = 2, HardwareException = 3, SoftwareInterrupt = 4, PrivilegedSoftware = 5, SoftwareException = 6 }

export const enum Exception {
  DB = 1,
  UD = 6,
  DF = 8,
  TS = 10,
  NP = 11,
  SS = 12,
  GP = 13,
  PF = 14,
  AC = 17,
  MC = 18,
}

const NMI_VECTOR: u32 = 2;

export function injectInvalidOpcode(): void { injectException(Exception.UD, false); }
export function injectGeneralProtection(): void { injectException(Exception.GP, true); }

/** VM entry takes no more (SDM 3C 27.2.1.3). */
const ERROR_CODE_MASK: u64 = 0xffff;
/** Exceptions with an error code, SDM 3A table 6-1. */
const WITH_ERROR_CODE: u32 = (1 << Exception.DF) | (1 << Exception.TS) | (1 << Exception.NP) | (1 << Exception.SS) | (1 << Exception.GP) | (1 << Exception.PF) | (1 << Exception.AC);

/** A fault of the instruction that exited, with `errorCode` if it has one. */
export function injectFault(vector: u32, errorCode: u64): void {
  injectException(vector, ((WITH_ERROR_CODE >> vector) & 1) != 0);
  vmwrite(VmcsField.VM_ENTRY_EXCEPTION_ERROR_CODE, errorCode & ERROR_CODE_MASK);
}

/** #PF at `address`: CR2 belongs to the guest while it runs, so the kernel writes it in the processor. */
export function injectPageFault(address: u64, errorCode: u64): void {
  writeCr2(address);
  injectFault(Exception.PF, errorCode);
}

/** Raises a fault at the instruction that exited, with error code 0 where it has one. */
function injectException(vector: u32, hasErrorCode: bool): void {
  // What a fault saves has RF set, so that an instruction breakpoint does not trap a second time (SDM 3B 18.3.1.1).
  if (vector != Exception.DF) vmwrite(VmcsField.GUEST_RFLAGS, vmread(VmcsField.GUEST_RFLAGS) | Rflags.RF);
  if (hasErrorCode) vmwrite(VmcsField.VM_ENTRY_EXCEPTION_ERROR_CODE, 0);
  // Real mode knows no error codes (SDM 3C 27.2.1.3).
  const error: u32 = hasErrorCode && (vmread(VmcsField.GUEST_CR0) & Cr0.PE) ? DELIVER_ERROR_CODE : 0;
  writeEvent(vector | (EventType.HardwareException << TYPE_SHIFT) | error);
}

/** Delivers an exception that was taken from the guest; its state is already as the delivery saves it (SDM 3C 28.3.3). */
export function deliverException(vector: u32, hasErrorCode: bool, errorCode: u64): void {
  if (hasErrorCode) vmwrite(VmcsField.VM_ENTRY_EXCEPTION_ERROR_CODE, errorCode);
  writeEvent(vector | (EventType.HardwareException << TYPE_SHIFT) | (hasErrorCode ? DELIVER_ERROR_CODE : 0));
}

function writeEvent(information: u32): void {
  vmwrite(VmcsField.VM_ENTRY_INTERRUPTION_INFORMATION, information | VALID);
  wake();
}

/** True once an event is written for the next entry; the processor clears it at each exit. */
function isEventWritten(): bool { return (<u32>vmread(VmcsField.VM_ENTRY_INTERRUPTION_INFORMATION) & VALID) != 0; }

/** Delivers again the event whose delivery this exit interrupted (SDM 3C 28.2.4). */
export function deliverInterruptedEvent(): void {
  const information = <u32>vmread(VmcsField.IDT_VECTORING_INFORMATION);
  if (!(information & VALID)) return;
  const type = (information >> TYPE_SHIFT) & TYPE_MASK;
  if (information & DELIVER_ERROR_CODE) {
    vmwrite(VmcsField.VM_ENTRY_EXCEPTION_ERROR_CODE, vmread(VmcsField.IDT_VECTORING_ERROR_CODE));
  }
  if (type >= <u32>EventType.SoftwareInterrupt && type <= <u32>EventType.SoftwareException) {
    vmwrite(VmcsField.VM_ENTRY_INSTRUCTION_LENGTH, vmread(VmcsField.VM_EXIT_INSTRUCTION_LENGTH));
  }
  if (type == EventType.Nmi) {
    vmwrite(VmcsField.GUEST_INTERRUPTIBILITY, vmread(VmcsField.GUEST_INTERRUPTIBILITY) & ~Interruptibility.NMI);
  }
  writeEvent(information & INFORMATION_MASK);
}

/** Raises the fault that access to what is not there causes, over an event that may have been in delivery (SDM 3A table 6-5). */
export function injectGeneralProtectionDuringDelivery(errorCode: u64): void {
  const information = <u32>vmread(VmcsField.IDT_VECTORING_INFORMATION);
  const type = (information >> TYPE_SHIFT) & TYPE_MASK;
  if ((information & VALID) && type == EventType.HardwareException && isContributory(information & 0xff)) return injectException(Exception.DF, true);
  injectFault(Exception.GP, errorCode);
}

/** Exceptions during whose delivery a second fault becomes #DF, or a triple fault for #DF itself. */
function isContributory(vector: u32): bool {
  return vector == 0 || (vector >= <u32>Exception.TS && vector <= <u32>Exception.PF);
}

/** True if an exit interrupted the delivery of #DF, which interrupts and INT 8 only resemble: one more fault is a triple fault. */
export function wasDeliveringDoubleFault(): bool {
  const information = <u32>vmread(VmcsField.IDT_VECTORING_INFORMATION);
  return (information & (VALID | (TYPE_MASK << TYPE_SHIFT) | 0xff)) == (VALID | (EventType.HardwareException << TYPE_SHIFT) | Exception.DF);
}

/** Injects an NMI if the guest can take it now; otherwise asks for an NMI-window exit. Returns whether it was injected. */
export function tryInjectNmi(): bool {
  const blocked = vmread(VmcsField.GUEST_INTERRUPTIBILITY) & (Interruptibility.NMI | Interruptibility.MOV_SS | Interruptibility.STI);
  if (blocked || isEventWritten() || isTrapPending()) {
    setPrimary(Primary.NMI_WINDOW_EXITING);
    return false;
  }
  writeEvent(NMI_VECTOR | (EventType.Nmi << TYPE_SHIFT));
  return true;
}

/** Whether an external interrupt could be injected now; otherwise asks for an interrupt-window exit. */
export function canInjectInterrupt(): bool {
  const blocked = vmread(VmcsField.GUEST_INTERRUPTIBILITY) & (Interruptibility.STI | Interruptibility.MOV_SS);
  if (!blocked && (vmread(VmcsField.GUEST_RFLAGS) & Rflags.IF) && !isEventWritten() && !isTrapPending()) return true;
  setPrimary(Primary.INTERRUPT_WINDOW_EXITING);
  return false;
}

export function injectInterrupt(vector: u32): void {
  writeEvent(vector | (EventType.ExternalInterrupt << TYPE_SHIFT));
}

export function closeInterruptWindow(): void { clearPrimary(Primary.INTERRUPT_WINDOW_EXITING); }
export function closeNmiWindow(): void { clearPrimary(Primary.NMI_WINDOW_EXITING); }

function setPrimary(control: u32): void {
  vmwrite(VmcsField.PRIMARY_CONTROLS, vmread(VmcsField.PRIMARY_CONTROLS) | control);
}

function clearPrimary(control: u32): void {
  vmwrite(VmcsField.PRIMARY_CONTROLS, vmread(VmcsField.PRIMARY_CONTROLS) & ~<u64>control);
}
