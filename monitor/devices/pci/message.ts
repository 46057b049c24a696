// A message-signalled interrupt arrives at the virtual local APICs (SDM 3A 11.11).

import { hasDevice } from "../../configuration";
import { Device } from "../../interface";
import { BROADCAST, deliver, DeliveryMode } from "../local-apic/delivery";

/** Message Address Register (SDM 3A 11.11.1). */
const enum Address {
  Base = 0xfee,
  BaseShift = 20,
  DestinationShift = 12,
  DestinationMask = 0xff,
  RedirectionHint = 1 << 3,
  Logical = 1 << 2,
}

/** Message Data Register (SDM 3A 11.11.2). */
const enum Data {
  VectorMask = 0xff,
  DeliveryModeShift = 8,
  DeliveryModeMask = 7,
  Assert = 1 << 14,
  Level = 1 << 15,
}

/** With the redirection hint a logical destination means the one with the lowest priority among those it names. */
function deliveryMode(address: u32, data: u32): u32 {
  const mode = (data >> Data.DeliveryModeShift) & Data.DeliveryModeMask;
  const redirected: u32 = Address.RedirectionHint | Address.Logical;
  return mode == DeliveryMode.Fixed && (address & redirected) == redirected ? DeliveryMode.LowestPriority : mode;
}

/** An address that is no local APIC's gets no interrupt, nor does a delivery mode other than fixed, lowest priority and NMI. */
export function sendMessage(address: u64, data: u32): void {
  if (!hasDevice(Device.LocalApic) || address >> Address.BaseShift != Address.Base) return;
  const isLevel = (data & Data.Level) != 0;
  if (isLevel && (data & Data.Assert) == 0) return;
  const mode = deliveryMode(<u32>address, data);
  if (mode > <u32>DeliveryMode.LowestPriority && mode != DeliveryMode.Nmi) return;
  const destination = (<u32>address >> Address.DestinationShift) & Address.DestinationMask;
  deliver(destination, (address & Address.Logical) != 0, BROADCAST, mode, data & Data.VectorMask, isLevel);
}
