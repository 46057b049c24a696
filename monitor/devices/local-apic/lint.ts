// LINT0 of vCPU 0, to which the PIC pair's INT output is wired (SDM 3A 11.5.1). In ExtINT mode priority.ts takes the PIC's vector from it;
// in the others nobody acknowledges the PIC.

import { hasDevice } from "../../configuration";
import { Device } from "../../interface";
import { deliverTo, DeliveryMode } from "./delivery";
import { isExternalAsserted } from "./priority";
import { isGloballyEnabled, LVT_MASKED } from "./state";
import { Register, register, setKeptRegister } from "./virtual-apic-page";

const DELIVERY_MODE_SHIFT: u32 = 8;
/** Set while a level-triggered fixed interrupt has not been ended; software does not write it. */
const REMOTE_IRR: u32 = 1 << 14;
const LEVEL: u32 = 1 << 15;

function deliveryMode(entry: u32): u32 {
  return (entry >> DELIVERY_MODE_SHIFT) & 7;
}

/** The trigger mode counts in fixed mode only; the other modes are edges. */
function isLevelTriggered(entry: u32): bool {
  return (entry & LEVEL) != 0 && deliveryMode(entry) == DeliveryMode.Fixed;
}

function isOpen(entry: u32): bool {
  return hasDevice(Device.LocalApic) && isGloballyEnabled(0) && (entry & LVT_MASKED) == 0;
}

/** Asks for service again as long as the line is high and the last one has ended. */
function deliverLevel(entry: u32): void {
  if (!isExternalAsserted() || !isOpen(entry) || (entry & REMOTE_IRR) != 0) return;
  if (deliverTo(0, DeliveryMode.Fixed, entry & 0xff, true)) setKeptRegister(0, Register.LvtLint0, entry | REMOTE_IRR);
}

/** The line has risen. */
export function raiseLint0(): void {
  const entry = register(0, Register.LvtLint0);
  if (isLevelTriggered(entry)) {
    deliverLevel(entry);
    return;
  }
  if (!isOpen(entry)) return;
  switch (deliveryMode(entry)) {
    case DeliveryMode.Fixed:
    case DeliveryMode.Nmi:
    case DeliveryMode.Init: deliverTo(0, deliveryMode(entry), entry & 0xff, false);
  }
}

/** The guest writes the entry: remote IRR stays as long as the entry is level-triggered, and a line that is high counts. */
export function writeLint0(vcpu: u32, accepted: u32): void {
  const before = register(vcpu, Register.LvtLint0);
  const entry = isLevelTriggered(accepted) ? accepted | (before & REMOTE_IRR) : accepted;
  setKeptRegister(vcpu, Register.LvtLint0, entry);
  if (vcpu == 0 && isLevelTriggered(entry)) deliverLevel(entry);
}

/** EOI of a level-triggered vector. */
export function endLint0(vcpu: u32, vector: u32): void {
  const entry = register(0, Register.LvtLint0);
  if (vcpu != 0 || (entry & REMOTE_IRR) == 0 || (entry & 0xff) != vector) return;
  setKeptRegister(0, Register.LvtLint0, entry & ~REMOTE_IRR);
  deliverLevel(entry & ~REMOTE_IRR);
}
