// Interrupts through the local vector table's pins (SDM 3A 11.5.1). ExtINT is priority.ts's: its vector is the PIC's.

import { hasDevice } from "../../configuration";
import { Device } from "../../interface";
import { addPendingNmi } from "../vcpu-mailbox";
import { DeliveryMode } from "./delivery";
import { receiveInterrupt } from "./errors";
import { isGloballyEnabled, LVT_MASKED } from "./state";
import { Register, register } from "./virtual-apic-page";

const DELIVERY_MODE_SHIFT: u32 = 8;

/** The pin of `entry`, LINT0 or LINT1, has risen. */
export function signalLocalInterrupt(vcpu: u32, entry: Register): void {
  const value = register(vcpu, entry);
  if (!hasDevice(Device.LocalApic) || !isGloballyEnabled(vcpu) || (value & LVT_MASKED) != 0) return;
  switch ((value >> DELIVERY_MODE_SHIFT) & 7) {
    case DeliveryMode.Fixed:
      receiveInterrupt(vcpu, value & 0xff, false);
      return;
    case DeliveryMode.Nmi:
      addPendingNmi(vcpu);
      return;
  }
}
