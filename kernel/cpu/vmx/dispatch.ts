// From the exit reason to the handler. Every exit of this core's vCPU comes through handleExit().

import { print, printHex, printLine } from "../../console/print";
import { FatalReason, fatal } from "../../boot/fatal";
import { deliverNmi } from "../../boot/stub";
import * as interrupts from "../../partition/host-interrupts";
import { auditInstruction } from "../../partition/audit";
import { onCacheFlush } from "../../partition/exits/cache";
import { onCpuid } from "../../partition/exits/cpuid";
import { onHalt } from "../../partition/exits/halt";
import { onHypercall } from "../../partition/exits/hypercall";
import { onApicWrite, onEndOfInterrupt } from "../../partition/exits/local-apic";
import { onApicPageAccess, onMemoryAccess } from "../../partition/exits/memory";
import { onMsrRead, onMsrWrite } from "../../partition/exits/msr";
import { onPortAccess, onStringPortAccess } from "../../partition/exits/port";
import { onXsetbv } from "../../partition/exits/xsetbv";
import { onTimer } from "../../partition/exits/timer";
import { StopReason, partitionFault } from "../../partition/intent";
import { onControlRegisterAccess } from "./control-register-access";
import { countExit } from "./counters";
import { dumpVmcs } from "./dump";
import { Exception, closeInterruptWindow, closeNmiWindow, deliverInterruptedEvent, injectGeneralProtection, injectInvalidOpcode } from "./events";
import { onGuestException } from "./exceptions";
import { ENTRY_FAILURE, ExitReason } from "./exit-reason";
import { VmcsField } from "./field";
import { vmread, vmwrite } from "./instructions";
import { onTaskSwitch } from "./task-switch";
import { Interruptibility, wrapInstructionPointer } from "./vcpu";

const INTERRUPTION_TYPE_MASK: u32 = 7 << 8;
const INTERRUPTION_TYPE_NMI: u32 = 2 << 8;
/** Exit qualification of an EPT violation, SDM 3C table 28-7. */
const VIOLATION_NMI_UNBLOCKING: u64 = 1 << 12;
const IDT_VECTORING_VALID: u64 = 1 << 31;

// Exit qualification of an APIC access, SDM 3C table 28-6.
const PAGE_OFFSET: u32 = 0xfff;
const ACCESS_TYPE_SHIFT: u32 = 12;
const ACCESS_TYPE_MASK: u32 = 0xf;
const enum AccessType { LinearRead = 0, LinearWrite = 1, LinearFetch = 2, LinearDelivery = 3, PhysicalDelivery = 10, Physical = 15 }
/** Exit qualification of an EOI-induced exit. */
const VECTOR: u32 = 0xff;

// Exit qualification of an I/O instruction, SDM 3C table 28-5.
const IO_SIZE_MASK: u32 = 7;
const IO_IN: u32 = 1 << 3;
const IO_STRING: u32 = 1 << 4;
const IO_REP: u32 = 1 << 5;

export function handleExit(): void {
  const reason = <u32>vmread(VmcsField.EXIT_REASON);
  countExit(reason);
  switch (reason) {
    case ExitReason.CPUID: return onCpuid();
    case ExitReason.RDMSR: return onMsrRead();
    case ExitReason.WRMSR: return onMsrWrite();
    case ExitReason.VMCALL: return onHypercall();
    case ExitReason.IO_INSTRUCTION: return onIoInstruction();
    case ExitReason.EPT_VIOLATION: return onEptViolation();
    case ExitReason.VMX_PREEMPTION_TIMER: return onTimer();
    case ExitReason.HLT: return onHalt();
    case ExitReason.EXTERNAL_INTERRUPT: return onExternalInterrupt();
    case ExitReason.INTERRUPT_WINDOW: return closeInterruptWindow();
    case ExitReason.NMI_WINDOW: return closeNmiWindow();
    case ExitReason.CONTROL_REGISTER_ACCESS: return onControlRegisterAccess();
    case ExitReason.XSETBV: return onXsetbv();
    case ExitReason.EXCEPTION_OR_NMI: return onExceptionOrNmi();
    case ExitReason.TRIPLE_FAULT: return partitionFault(StopReason.TripleFault);
    case ExitReason.INVD:
    case ExitReason.WBINVD: return onCacheFlush();
    case ExitReason.RDPMC: return injectGeneralProtection();
    case ExitReason.APIC_ACCESS: return onApicAccess();
    case ExitReason.APIC_WRITE: return onApicWrite(<u32>vmread(VmcsField.EXIT_QUALIFICATION) & PAGE_OFFSET);
    case ExitReason.VIRTUALIZED_EOI: return onEndOfInterrupt(<u32>vmread(VmcsField.EXIT_QUALIFICATION) & VECTOR);
    case ExitReason.TASK_SWITCH: return onTaskSwitch();
    // Another processor's INIT cannot be meant for a partition: the kernel sent all of its own before the first entry.
    case ExitReason.INIT_SIGNAL: return;
    case ExitReason.MWAIT:
    case ExitReason.MONITOR: return injectInvalidOpcode();
    case ExitReason.GETSEC:
    case ExitReason.VMCLEAR:
    case ExitReason.VMLAUNCH:
    case ExitReason.VMPTRLD:
    case ExitReason.VMPTRST:
    case ExitReason.VMREAD:
    case ExitReason.VMRESUME:
    case ExitReason.VMWRITE:
    case ExitReason.VMXOFF:
    case ExitReason.VMXON:
    case ExitReason.INVEPT:
    case ExitReason.INVVPID: return onVirtualisationInstruction(reason);
    default: return onUnexpectedExit(reason);
  }
}

function onIoInstruction(): void {
  const qualification = <u32>vmread(VmcsField.EXIT_QUALIFICATION);
  const port = qualification >> 16;
  const size = (qualification & IO_SIZE_MASK) + 1;
  const isRead = (qualification & IO_IN) != 0;
  if (!(qualification & IO_STRING)) return onPortAccess(port, size, isRead);
  onStringPortAccess(port, size, isRead, (qualification & IO_REP) != 0, <u32>vmread(VmcsField.VM_EXIT_INSTRUCTION_INFORMATION));
}

function onEptViolation(): void {
  const qualification = vmread(VmcsField.EXIT_QUALIFICATION);
  const delivering = (vmread(VmcsField.IDT_VECTORING_INFORMATION) & IDT_VECTORING_VALID) != 0;
  // An IRET that faulted had already unblocked NMIs: block them again for its second try (SDM 3C 28.2.3).
  if ((qualification & VIOLATION_NMI_UNBLOCKING) && !delivering) {
    vmwrite(VmcsField.GUEST_INTERRUPTIBILITY, vmread(VmcsField.GUEST_INTERRUPTIBILITY) | Interruptibility.NMI);
  }
  onMemoryAccess(vmread(VmcsField.GUEST_PHYSICAL_ADDRESS), qualification, delivering);
}

/** An access that the processor does not virtualise (SDM 3C table 28-6): the monitor carries the instruction out. */
function onApicAccess(): void {
  const qualification = <u32>vmread(VmcsField.EXIT_QUALIFICATION);
  const type = (qualification >> ACCESS_TYPE_SHIFT) & ACCESS_TYPE_MASK;
  const isDelivery = type == AccessType.LinearDelivery || type == AccessType.PhysicalDelivery;
  onApicPageAccess(qualification & PAGE_OFFSET, type == AccessType.LinearWrite, type == AccessType.LinearFetch, isDelivery || type == AccessType.Physical);
}

function onExternalInterrupt(): void {
  interrupts.onHostInterrupt(<u32>vmread(VmcsField.VM_EXIT_INTERRUPTION_INFORMATION) & 0xff);
}

/** Only NMI, #MC, #DB and #AC exit. The NMI is the machine's own: the floor counts it, which also ends the blocking of NMIs. */
function onExceptionOrNmi(): void {
  const information = <u32>vmread(VmcsField.VM_EXIT_INTERRUPTION_INFORMATION);
  if ((information & 0xff) == <u32>Exception.MC) return fatal(FatalReason.MachineCheck);
  if ((information & INTERRUPTION_TYPE_MASK) != INTERRUPTION_TYPE_NMI) return onGuestException(information);
  deliverInterruptedEvent();
  deliverNmi();
}

function onVirtualisationInstruction(reason: u32): void {
  auditInstruction(reason);
  injectInvalidOpcode();
}

/** An entry failure, an EPT misconfiguration or a reason no control asked for: the VMCS says why, and this partition alone stops. */
function onUnexpectedExit(reason: u32): void {
  if (reason == (ENTRY_FAILURE | ExitReason.ENTRY_FAILURE_MACHINE_CHECK)) return fatal(FatalReason.MachineCheck);
  if (reason == (ENTRY_FAILURE | ExitReason.ENTRY_FAILURE_GUEST_STATE) && wrapInstructionPointer()) return;
  print(reason & ENTRY_FAILURE ? "VM entry failed, exit reason " : "unexpected exit reason ");
  printHex(reason, 8);
  print(", qualification ");
  printHex(vmread(VmcsField.EXIT_QUALIFICATION), 16);
  printLine();
  dumpVmcs();
  partitionFault(StopReason.EntryFailure);
}

/** VMLAUNCH or VMRESUME itself failed; `status` as in instructions.ts. */
export function reportEntryFailure(status: u32): void {
  print("VM entry refused, status ");
  printHex(status, 1);
  print(", VM-instruction error ");
  printHex(vmread(VmcsField.VM_INSTRUCTION_ERROR), 2);
  printLine();
  dumpVmcs();
  fatal(FatalReason.VmEntry);
}
