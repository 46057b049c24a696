// Interrupt messages between vCPUs and from the I/O APIC to them (SDM 3A 11.6.2, 11.11).

import { vcpuCount } from "../../configuration";
import { addPendingNmi, clearPendingNmis, requestInit, requestStartUp } from "../vcpu-mailbox";
import { receiveInterrupt } from "./errors";
import { receiveExternal } from "./priority";
import { resetLocalApic } from "./reset";
import { isEnabled, isExtended, isGloballyEnabled, isVirtualised, localApic } from "./state";
import { Register, register } from "./virtual-apic-page";

export const enum DeliveryMode {
  Fixed = 0,
  LowestPriority = 1,
  Smi = 2,
  Nmi = 4,
  Init = 5,
  StartUp = 6,
  ExtInt = 7,
}

const CLUSTER_MODEL: u32 = 0x0;
export const BROADCAST: u32 = 0xff;
export const EXTENDED_BROADCAST: u32 = 0xffffffff;

function matchesLogical(vcpu: u32, destination: u32): bool {
  const own = register(vcpu, Register.LogicalDestination);
  if (isExtended(vcpu)) return (own >> 16) == (destination >> 16) && (own & destination & 0xffff) != 0;
  const identifier = own >> 24;
  if (register(vcpu, Register.DestinationFormat) >> 28 != CLUSTER_MODEL) return (identifier & destination) != 0;
  return (identifier >> 4) == ((destination >> 4) & 0xf) && (identifier & destination & 0xf) != 0;
}

/** Whether a message for the logical `destination`, or for all, reaches this vCPU. `broadcast` is the sender's value for all. */
function matches(vcpu: u32, destination: u32, broadcast: u32): bool {
  return isGloballyEnabled(vcpu) && (destination == broadcast || matchesLogical(vcpu, destination));
}

/**
 * Delivers one message to one vCPU and returns whether it is accepted. A start-up request is left to the kernel, which ignores it
 * unless the vCPU waits for it. There is no SMM, so that an SMI is accepted and has no effect.
 */
export function deliverTo(vcpu: u32, mode: u32, vector: u32, isLevel: bool): bool {
  switch (mode) {
    case DeliveryMode.Fixed:
    case DeliveryMode.LowestPriority:
      return receiveInterrupt(vcpu, vector, isLevel);
    case DeliveryMode.Nmi:
      addPendingNmi(vcpu);
      break;
    case DeliveryMode.Init:
      resetLocalApic(vcpu);
      if (isVirtualised(vcpu)) localApic(vcpu).isResetAgain = 1;
      clearPendingNmis(vcpu);
      requestInit(vcpu);
      break;
    case DeliveryMode.StartUp:
      requestStartUp(vcpu, vector);
      break;
    case DeliveryMode.ExtInt:
      return receiveExternal(vcpu);
  }
  return true;
}

/** The addressed and enabled vCPU with the lowest processor priority; the lowest number wins a tie. */
function deliverToLowest(destination: u32, broadcast: u32, vector: u32, isLevel: bool): bool {
  const count = vcpuCount();
  let chosen = count;
  let lowest: u32 = 0x100;
  for (let vcpu: u32 = 0; vcpu < count; vcpu++) {
    const priority = register(vcpu, Register.ProcessorPriority);
    if (priority >= lowest || !isEnabled(vcpu) || !matches(vcpu, destination, broadcast)) continue;
    chosen = vcpu;
    lowest = priority;
  }
  return chosen < count && deliverTo(chosen, DeliveryMode.LowestPriority, vector, isLevel);
}

/** Delivers one message to all whom `destination` addresses; whether one of them accepts it. */
export function deliver(destination: u32, isLogical: bool, broadcast: u32, mode: u32, vector: u32, isLevel: bool): bool {
  if (!isLogical && destination != broadcast) {
    return destination < vcpuCount() && isGloballyEnabled(destination) && deliverTo(destination, mode, vector, isLevel);
  }
  if (mode == DeliveryMode.LowestPriority) return deliverToLowest(destination, broadcast, vector, isLevel);
  const count = vcpuCount();
  let isAccepted = false;
  for (let vcpu: u32 = 0; vcpu < count; vcpu++) {
    if (matches(vcpu, destination, broadcast) && deliverTo(vcpu, mode, vector, isLevel)) isAccepted = true;
  }
  return isAccepted;
}
