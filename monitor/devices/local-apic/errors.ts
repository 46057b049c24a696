// Error status register and the error interrupt (SDM 3A 11.5.3).

import { acceptInterrupt } from "./priority";
import { LocalApic, localApic, LVT_MASKED } from "./state";
import { Register, register, setRegister } from "./virtual-apic-page";

export const enum ApicError {
  SendIllegalVector = 1 << 5,
  ReceiveIllegalVector = 1 << 6,
  IllegalRegisterAddress = 1 << 7,
}

/** Vectors below this one are illegal in a local vector table and in an interrupt message. */
export const LOWEST_VECTOR: u32 = 16;

/** An error entry with an illegal vector is an error more, and no interrupt. */
function raiseErrorInterrupt(vcpu: u32, apic: LocalApic): void {
  const entry = register(vcpu, Register.LvtError);
  if ((entry & LVT_MASKED) != 0) return;
  const vector = entry & 0xff;
  if (vector < LOWEST_VECTOR) apic.errorsDetected |= ApicError.ReceiveIllegalVector;
  else acceptInterrupt(vcpu, vector, false);
}

/** Notes an error; the first of its kind since the register was written raises the error interrupt. */
export function reportError(vcpu: u32, error: ApicError): void {
  const apic = localApic(vcpu);
  if ((apic.errorsDetected & <u32>error) != 0) return;
  apic.errorsDetected |= <u32>error;
  raiseErrorInterrupt(vcpu, apic);
}

/** A write of the register latches what was detected since the last one. */
export function latchErrors(vcpu: u32): void {
  const apic = localApic(vcpu);
  setRegister(vcpu, Register.ErrorStatus, apic.errorsDetected);
  apic.errorsDetected = 0;
}

/** A fixed interrupt arrives, from outside or from the local vector table. Returns whether it is accepted. */
export function receiveInterrupt(vcpu: u32, vector: u32, isLevel: bool): bool {
  if (vector >= LOWEST_VECTOR) return acceptInterrupt(vcpu, vector, isLevel);
  reportError(vcpu, ApicError.ReceiveIllegalVector);
  return false;
}
