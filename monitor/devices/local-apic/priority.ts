// Acceptance and priority of interrupts (SDM 3A 11.8), and the pending vector that the kernel sees.

import { Device } from "../../interface";
import { hasDevice } from "../../configuration";
import { setPendingVector } from "../vcpu-mailbox";
import {
  inService, isEnabled, isGloballyEnabled, LocalApic, localApic, LVT_MASKED, requests, triggerModes,
} from "./state";
import { clearVector, hasVector, highestVector, setVector } from "./vector-map";

const DELIVERY_MODE_MASK: u32 = 7 << 8;
const DELIVERY_MODE_EXTINT: u32 = 7 << 8;

/** Vector that the PIC pair presents on LINT0 of vCPU 0; 0 while its INT output is low. */
let externalVector: u32 = 0;

/** Whether LINT0 passes the PIC on: with the APIC switched off it is the INTR pin itself (SDM 3A 11.4.3). */
function acceptsExternal(apic: LocalApic): bool {
  if (!hasDevice(Device.LocalApic) || !isGloballyEnabled(apic)) return true;
  return (apic.lvt3 & (LVT_MASKED | DELIVERY_MODE_MASK)) == DELIVERY_MODE_EXTINT;
}

/** Whether the next interrupt of this vCPU comes from the PIC pair. */
export function takesExternal(vcpu: u32): bool {
  return vcpu == 0 && externalVector != 0 && acceptsExternal(localApic(0));
}

/** Highest requested vector that PPR lets through, or 0. */
function deliverableVector(apic: LocalApic): u32 {
  if (!isEnabled(apic)) return 0;
  const vector = highestVector(requests(apic));
  return (vector >> 4) > (apic.processorPriority >> 4) ? vector : 0;
}

/** Brings the pending vector in the mailbox up to date. */
export function refreshPending(vcpu: u32): void {
  setPendingVector(vcpu, takesExternal(vcpu) ? externalVector : deliverableVector(localApic(vcpu)));
}

/** The PIC pair's INT output and its vector. Returns whether the output has risen. */
export function setExternalVector(vector: u32): bool {
  if (vector == externalVector) return false;
  const rises = externalVector == 0;
  externalVector = vector;
  refreshPending(0);
  return rises;
}

function updateProcessorPriority(apic: LocalApic): void {
  const serviced = highestVector(inService(apic)) & 0xf0;
  apic.processorPriority = apic.taskPriority >= serviced ? apic.taskPriority : serviced;
}

export function setTaskPriority(vcpu: u32, priority: u32): void {
  const apic = localApic(vcpu);
  apic.taskPriority = priority & 0xff;
  updateProcessorPriority(apic);
  refreshPending(vcpu);
}

/** Enters a fixed interrupt, vector 16 or above, into IRR; false from a software-disabled APIC, which takes none (SDM 3A 11.4.7.2). */
export function acceptInterrupt(vcpu: u32, vector: u32, isLevel: bool): bool {
  const apic = localApic(vcpu);
  if (!isEnabled(apic)) return false;
  setVector(requests(apic), vector);
  if (isLevel) setVector(triggerModes(apic), vector);
  else clearVector(triggerModes(apic), vector);
  refreshPending(vcpu);
  return true;
}

/** Moves the deliverable vector from IRR to ISR and returns it; 0 if there is none. */
export function serviceInterrupt(vcpu: u32): u32 {
  const apic = localApic(vcpu);
  const vector = deliverableVector(apic);
  if (vector == 0) return 0;
  clearVector(requests(apic), vector);
  setVector(inService(apic), vector);
  updateProcessorPriority(apic);
  refreshPending(vcpu);
  return vector;
}

/** EOI: leaves the highest interrupt in service. Returns its vector if the I/O APIC must hear of it (level), else 0. */
export function completeInterrupt(vcpu: u32): u32 {
  const apic = localApic(vcpu);
  const vector = highestVector(inService(apic));
  if (vector == 0) return 0;
  clearVector(inService(apic), vector);
  updateProcessorPriority(apic);
  refreshPending(vcpu);
  return hasVector(triggerModes(apic), vector) ? vector : 0;
}
