// Error status register and the error interrupt (SDM 3A 11.5.3).

import { acceptInterrupt } from "./priority";
import { LocalApic, localApic, LVT_MASKED } from "./state";

export const enum ApicError {
  SendIllegalVector = 1 << 5,
  ReceiveIllegalVector = 1 << 6,
  IllegalRegisterAddress = 1 << 7,
}

/** Vectors below this one are illegal in a local vector table and in an interrupt message. */
export const LOWEST_VECTOR: u32 = 16;

/** Notes an error and raises the error interrupt unless that is masked or its own vector is illegal. */
export function reportError(vcpu: u32, error: ApicError): void {
  const apic = localApic(vcpu);
  apic.errorsDetected |= <u32>error;
  const vector = apic.lvt5 & 0xff;
  if ((apic.lvt5 & LVT_MASKED) != 0 || vector < LOWEST_VECTOR) return;
  acceptInterrupt(vcpu, vector, false);
}

/** A write of the register latches what was detected since the last one. */
export function latchErrors(apic: LocalApic): void {
  apic.errorStatus = apic.errorsDetected;
  apic.errorsDetected = 0;
}

/** A fixed interrupt arrives, from outside or from the local vector table. */
export function receiveInterrupt(vcpu: u32, vector: u32, isLevel: bool): void {
  if (vector < LOWEST_VECTOR) reportError(vcpu, ApicError.ReceiveIllegalVector);
  else acceptInterrupt(vcpu, vector, isLevel);
}
