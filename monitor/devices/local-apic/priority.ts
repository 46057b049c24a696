// Acceptance and priority of interrupts (SDM 3A 11.8), and the pending vector that the kernel sees.

import { Device, LOCAL_VECTOR, VcpuSignal, VirtualApicPage } from "../../interface";
import { hasDevice } from "../../configuration";
import { pendingVector, postVcpu, setPendingVector, signalVcpu } from "../vcpu-mailbox";
import { isEnabled, isGloballyEnabled, isVirtualised, LVT_MASKED } from "./state";
import { clearVector, hasVector, highestVector, setVector } from "./vector-map";
import { Register, register, setRegister, vectorMap } from "./virtual-apic-page";

const DELIVERY_MODE_MASK: u32 = 7 << 8;
const DELIVERY_MODE_EXTINT: u32 = 7 << 8;

/** INT output of the PIC pair, which is LINT0 of vCPU 0, and the vector that an acknowledge would give. */
let isExternalHigh: bool = false;
let externalVector: u32 = 0;
/** vCPUs that an ExtINT message of the I/O APIC has reached: each is to acknowledge the PIC pair once, whatever its output is then. */
let externalMessages: u32 = 0;

/** Whether LINT0 passes the PIC on: with the APIC switched off it is the INTR pin itself (SDM 3A 11.4.3). */
function acceptsExternal(vcpu: u32): bool {
  if (!hasDevice(Device.LocalApic) || !isGloballyEnabled(vcpu)) return true;
  return (register(vcpu, Register.LvtLint0) & (LVT_MASKED | DELIVERY_MODE_MASK)) == DELIVERY_MODE_EXTINT;
}

/** Whether the next interrupt of this vCPU comes from the PIC pair. */
export function takesExternal(vcpu: u32): bool {
  return ((externalMessages >> vcpu) & 1) != 0 || (vcpu == 0 && isExternalHigh && acceptsExternal(0));
}

/** An ExtINT message arrives; a software-disabled APIC takes none. Returns whether it is accepted. */
export function receiveExternal(vcpu: u32): bool {
  if (!hasDevice(Device.Pic) || !isEnabled(vcpu)) return false;
  externalMessages |= (<u32>1) << vcpu;
  refreshPending(vcpu);
  return true;
}

/** This vCPU acknowledges the PIC pair, or its local APIC is reset. */
export function forgetExternal(vcpu: u32): void {
  externalMessages &= ~((<u32>1) << vcpu);
}

/** Highest requested vector that PPR lets through, or 0. */
function deliverableVector(vcpu: u32): u32 {
  if (!isEnabled(vcpu)) return 0;
  const vector = highestVector(vectorMap(vcpu, Register.Request));
  return (vector >> 4) > (register(vcpu, Register.ProcessorPriority) >> 4) ? vector : 0;
}

// @ts-ignore: decorator
@inline function setLocalVector(vcpu: u32, vector: u32): void {
  setPendingVector(vcpu, vector == 0 ? 0 : vector | LOCAL_VECTOR);
}

/** Brings the pending vector in the mailbox up to date; a virtualised APIC's own interrupts are the processor's to deliver. */
export function refreshPending(vcpu: u32): void {
  if (takesExternal(vcpu)) setPendingVector(vcpu, externalVector);
  else setLocalVector(vcpu, isVirtualised(vcpu) ? 0 : deliverableVector(vcpu));
  if (isVirtualised(vcpu)) signalVcpu(vcpu, VcpuSignal.InterruptStatus);
}

export function isExternalAsserted(): bool {
  return isExternalHigh;
}

/** The PIC pair's INT output and what an acknowledge would give. Returns whether the output has changed. */
export function setExternal(isHigh: bool, vector: u32): bool {
  const changes = isHigh != isExternalHigh;
  if (!changes && vector == externalVector) return false;
  isExternalHigh = isHigh;
  externalVector = vector;
  refreshPending(0);
  return changes;
}

/** SDM 3A 11.8.3.1. */
export function updateProcessorPriority(vcpu: u32): void {
  const serviced = highestVector(vectorMap(vcpu, Register.InService)) & 0xf0;
  setRegister(vcpu, Register.ProcessorPriority, max(register(vcpu, Register.TaskPriority), serviced));
}

export function setTaskPriority(vcpu: u32, priority: u32): void {
  setRegister(vcpu, Register.TaskPriority, priority & 0xff);
  updateProcessorPriority(vcpu);
  refreshPending(vcpu);
}

/** Enters a fixed interrupt, vector 16 or above, into IRR; false from a software-disabled APIC, which takes none (SDM 3A 11.4.7.2). */
export function acceptInterrupt(vcpu: u32, vector: u32, isLevel: bool): bool {
  if (!isEnabled(vcpu)) return false;
  const isProcessors = isVirtualised(vcpu);
  // While the guest runs, IRR of a virtualised APIC is the processor's alone.
  setVector(vectorMap(vcpu, isProcessors ? <u32>VirtualApicPage.Posted : <u32>Register.Request), vector);
  setTriggerMode(vcpu, vector, isLevel);
  if (!isProcessors) raisePending(vcpu, vector);
  else if (!postVcpu(vcpu)) signalVcpu(vcpu, VcpuSignal.InterruptStatus);
  return true;
}

/** A request more can only raise the pending vector. */
function raisePending(vcpu: u32, vector: u32): void {
  if (vector <= pendingVector(vcpu) || (vector >> 4) <= (register(vcpu, Register.ProcessorPriority) >> 4)) return;
  if (!takesExternal(vcpu)) setPendingVector(vcpu, vector | LOCAL_VECTOR);
}

/** The kernel has the EOI of level-triggered vectors exit. */
function setTriggerMode(vcpu: u32, vector: u32, isLevel: bool): void {
  const modes = vectorMap(vcpu, Register.TriggerMode);
  if (hasVector(modes, vector) == isLevel) return;
  if (isLevel) setVector(modes, vector);
  else clearVector(modes, vector);
  if (isVirtualised(vcpu)) signalVcpu(vcpu, VcpuSignal.TriggerModes);
}

/**
 * Moves the interrupt to deliver, which is not the PIC's, from IRR to ISR and returns it; 0 if there is none. It was the highest request, and its
 * class above all in service and TPR: PPR becomes its class, and nothing else is deliverable.
 */
export function serviceInterrupt(vcpu: u32): u32 {
  const vector = isVirtualised(vcpu) ? deliverableVector(vcpu) : pendingVector(vcpu);
  if (vector == 0) return 0;
  clearVector(vectorMap(vcpu, Register.Request), vector);
  setVector(vectorMap(vcpu, Register.InService), vector);
  setRegister(vcpu, Register.ProcessorPriority, vector & 0xf0);
  if (isVirtualised(vcpu)) refreshPending(vcpu);
  else setPendingVector(vcpu, 0);
  return vector;
}

/** EOI: leaves the highest interrupt in service. Returns its vector if the I/O APIC must hear of it (level), else 0. */
export function completeInterrupt(vcpu: u32): u32 {
  const vector = highestVector(vectorMap(vcpu, Register.InService));
  if (vector == 0) return 0;
  clearVector(vectorMap(vcpu, Register.InService), vector);
  updateProcessorPriority(vcpu);
  refreshPending(vcpu);
  return hasVector(vectorMap(vcpu, Register.TriggerMode), vector) ? vector : 0;
}
