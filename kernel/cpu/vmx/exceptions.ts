// #DB and #AC of the guest, which exit only to go back to it: delivered by the processor alone they can repeat in their own
// delivery for ever, and then no interrupt of the machine would ever be taken (CVE-2015-8104, CVE-2015-5307).

import { admitInterrupts } from "../../boot/stub";
import { takePendingInterrupts } from "../../partition/host-interrupts";
import { keepHouse } from "../../partition/housekeeping";
import { readDr6, writeDebug } from "../processor";
import { DELIVER_ERROR_CODE, EventType, Exception, TYPE_MASK, TYPE_SHIFT, VALID, deliverException } from "./events";
import { VmcsField } from "./field";
import { vmread, vmwrite } from "./instructions";
import { DEBUGCTL_BTF, Interruptibility, movePastInstruction } from "./vcpu";

/** Of the exit's interruption information: an IRET that faulted had already unblocked NMIs (SDM 3C 28.2.3). */
const NMI_UNBLOCKING: u32 = 1 << 12;

// DR6 and DR7, SDM 3B 18.2.
const DR6_BREAKPOINTS: u64 = 0xf;
/** What the exit qualification of #DB says in the same places (SDM 3C table 28-1): B0 to B3, BD, BS. */
const DR6_CAUSES: u64 = DR6_BREAKPOINTS | (1 << 13) | (1 << 14);
const DR7_GD: u64 = 1 << 13;

/** Gives the guest the exception of this exit, and the machine its turn. */
export function onGuestException(information: u32): void {
  const isDelivering = (<u32>vmread(VmcsField.IDT_VECTORING_INFORMATION) & VALID) != 0;
  // No shadow of STI or MOV SS outlasts a delivery; left there, it would ask for a pending single step (SDM 3C 27.3.1.5).
  let interruptibility = vmread(VmcsField.GUEST_INTERRUPTIBILITY) & ~(Interruptibility.STI | Interruptibility.MOV_SS);
  if ((information & NMI_UNBLOCKING) && !isDelivering) interruptibility |= Interruptibility.NMI;
  vmwrite(VmcsField.GUEST_INTERRUPTIBILITY, interruptibility);
  if ((information & 0xff) == <u32>Exception.DB) noteDebugException(information);
  deliverException(information & 0xff, (information & DELIVER_ERROR_CODE) != 0, vmread(VmcsField.VM_EXIT_INTERRUPTION_ERROR_CODE));
  admitInterrupts();
  takePendingInterrupts();
  keepHouse();
}

/** What the processor leaves to software when #DB exits (SDM 3C 28.1). */
function noteDebugException(information: u32): void {
  // The trap is behind INT1, the exit at it; DR6 is not its concern.
  if (((information >> TYPE_SHIFT) & TYPE_MASK) == EventType.PrivilegedSoftware) return movePastInstruction();
  const causes = vmread(VmcsField.EXIT_QUALIFICATION) & DR6_CAUSES;
  writeDebug(6, (readDr6() & ~DR6_BREAKPOINTS) | causes);
  vmwrite(VmcsField.GUEST_DR7, vmread(VmcsField.GUEST_DR7) & ~DR7_GD);
  // A debug exception ends single steps by branches (SDM 3B 18.4.3).
  vmwrite(VmcsField.GUEST_IA32_DEBUGCTL, vmread(VmcsField.GUEST_IA32_DEBUGCTL) & ~DEBUGCTL_BTF);
  vmwrite(VmcsField.GUEST_PENDING_DEBUG_EXCEPTIONS, 0);
}
