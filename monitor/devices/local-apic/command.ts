// Interrupt command register (SDM 3A 11.6.1).

import { vcpuCount } from "../../configuration";
import { MAXIMUM_VCPUS } from "../../interface";
import { BROADCAST, deliver, deliverTo, DeliveryMode, EXTENDED_BROADCAST } from "./delivery";
import { ApicError, LOWEST_VECTOR, reportError } from "./errors";
import { acceptInterrupt } from "./priority";
import { isExtended } from "./state";
import { Register, setRegister } from "./virtual-apic-page";

const enum Command {
  VectorMask = 0xff,
  DeliveryModeShift = 8,
  Logical = 1 << 11,
  LevelAssert = 1 << 14,
  LevelTriggered = 1 << 15,
  ShorthandMask = 3 << 18,
  Self = 1 << 18,
  AllIncludingSelf = 2 << 18,
  AllExcludingSelf = 3 << 18,
  /** Shorthand, trigger mode, destination mode and delivery mode: all clear in a fixed interrupt to one vCPU by its identifier. */
  NotPlain = 0xc8f00,
  /** Bits that software writes in the low half; delivery status reads 0. */
  Writable = 0xccfff,
}

export const COMMAND_WRITABLE: u32 = Command.Writable;

/** SDM 3A table 11-3: INIT and start-up go to others only. */
function canReachSelf(mode: u32): bool {
  return mode != DeliveryMode.Init && mode != DeliveryMode.StartUp;
}

/** A self-IPI is sent and received by the same APIC (SDM 3A 11.5.3). */
function reportIllegalVector(vcpu: u32, isSelf: bool): void {
  reportError(vcpu, ApicError.SendIllegalVector);
  if (isSelf) reportError(vcpu, ApicError.ReceiveIllegalVector);
}

function broadcast(sender: u32, mode: u32, vector: u32, excludesSender: bool): void {
  const count = vcpuCount();
  for (let vcpu: u32 = 0; vcpu < count; vcpu++) {
    if (excludesSender && vcpu == sender) continue;
    deliverTo(vcpu, mode, vector, false);
  }
}

/** A write to the low half sends, to the destination that the high half has in this mode. IPIs are edge-triggered; the INIT level de-assert does nothing since the P6 family. */
export function sendCommand(vcpu: u32, value: u32, destination: u32): void {
  setRegister(vcpu, Register.CommandLow, value & COMMAND_WRITABLE);
  const vector = value & Command.VectorMask;
  // The APIC of a vCPU that does not exist is never enabled.
  if ((value & Command.NotPlain) == 0 && vector >= LOWEST_VECTOR && destination < MAXIMUM_VCPUS) {
    acceptInterrupt(destination, vector, false);
    return;
  }
  const mode = (value >> Command.DeliveryModeShift) & 7;
  if (mode > <u32>DeliveryMode.StartUp) return; // reserved: ExtINT is the I/O APIC's to send
  if (mode == DeliveryMode.Init && (value & (Command.LevelAssert | Command.LevelTriggered)) == Command.LevelTriggered) return;
  if (mode <= <u32>DeliveryMode.LowestPriority && vector < LOWEST_VECTOR) {
    reportIllegalVector(vcpu, (value & Command.ShorthandMask) == Command.Self);
    return;
  }
  switch (value & Command.ShorthandMask) {
    case Command.Self:
      if (canReachSelf(mode)) deliverTo(vcpu, mode, vector, false);
      return;
    case Command.AllIncludingSelf:
      if (canReachSelf(mode)) broadcast(vcpu, mode, vector, false);
      return;
    case Command.AllExcludingSelf:
      broadcast(vcpu, mode, vector, true);
      return;
  }
  const all = isExtended(vcpu) ? EXTENDED_BROADCAST : BROADCAST;
  deliver(destination, (value & Command.Logical) != 0, all, mode, vector, false);
}

/** SELF IPI register, x2APIC only (SDM 3A 11.12.11). */
export function sendSelf(vcpu: u32, vector: u32): void {
  if (vector < LOWEST_VECTOR) reportIllegalVector(vcpu, true);
  else deliverTo(vcpu, DeliveryMode.Fixed, vector, false);
}
