// Hardware task switches, which always exit (SDM 3C 26.4.2), after the processor's own checks of gate and descriptor. The monitor
// carries them out; what it cannot do is refused with #GP, with the selector that asked for it as its error code.

import { TASK_EXTERNAL } from "../../../monitor/interface";
import { auditInstruction } from "../../partition/audit";
import { switchTask } from "../../partition/exits/task-switch";
import { StopReason, partitionFault } from "../../partition/intent";
import { DELIVER_ERROR_CODE, EventType, TYPE_MASK, TYPE_SHIFT, VALID, injectGeneralProtectionDuringDelivery, wasDeliveringDoubleFault } from "./events";
import { ExitReason } from "./exit-reason";
import { VmcsField } from "./field";
import { vmread, vmwrite } from "./instructions";
import { Interruptibility, wake } from "./vcpu";

/** Index and table of the selector in the exit qualification, SDM 3C table 28-2. */
const SELECTOR_INDEX: u64 = 0xfffc;
const SOURCE_SHIFT: u32 = 30;
const SOURCE_IRET: u32 = 1;
const NO_ERROR_CODE: u64 = u64.MAX_VALUE;

export function onTaskSwitch(): void {
  const qualification = <u32>vmread(VmcsField.EXIT_QUALIFICATION);
  const vectoring = <u32>vmread(VmcsField.IDT_VECTORING_INFORMATION);
  const type = vectoring & VALID ? (vectoring >> TYPE_SHIFT) & TYPE_MASK : <u32>EventType.SoftwareInterrupt;
  // The old task goes on behind an instruction, but at a fault and where an interrupt came.
  const length = type >= <u32>EventType.SoftwareInterrupt ? vmread(VmcsField.VM_EXIT_INSTRUCTION_LENGTH) : 0;
  const errorCode = vectoring & VALID && vectoring & DELIVER_ERROR_CODE ? vmread(VmcsField.IDT_VECTORING_ERROR_CODE) : NO_ERROR_CODE;
  const external: u32 = type < <u32>EventType.SoftwareInterrupt ? TASK_EXTERNAL : 0;
  if (!switchTask(qualification | external, vmread(VmcsField.GUEST_RIP) + length, errorCode)) return refuse(qualification);
  let interruptibility = vmread(VmcsField.GUEST_INTERRUPTIBILITY) & ~(Interruptibility.STI | Interruptibility.MOV_SS);
  if (type == EventType.Nmi) interruptibility |= Interruptibility.NMI;
  if (qualification >> SOURCE_SHIFT == SOURCE_IRET) interruptibility &= ~Interruptibility.NMI;
  vmwrite(VmcsField.GUEST_INTERRUPTIBILITY, interruptibility);
  wake();
}

function refuse(qualification: u32): void {
  auditInstruction(ExitReason.TASK_SWITCH);
  // A task gate for #GP or #DF itself: the refusal must not go round for ever.
  if (wasDeliveringDoubleFault()) return partitionFault(StopReason.TripleFault);
  injectGeneralProtectionDuringDelivery(qualification & SELECTOR_INDEX);
}
