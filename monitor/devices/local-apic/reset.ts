// State of a local APIC after power-up, INIT and a global disable (SDM 3A 11.4.7).

import { LOCAL_APIC_BASE, MAXIMUM_VCPUS, VirtualApicPage } from "../../interface";
import { NEVER, setLocalTimerDeadline } from "../deadlines";
import { forgetExternal, refreshPending } from "./priority";
import { ApicBase, isExtended, localApic, LVT_MASKED, SVR_ENABLE } from "./state";
import { apicPage, Register, setKeptRegister, setRegister } from "./virtual-apic-page";
import { setApicBase } from "../vcpu-mailbox";
import { refreshMode } from "./virtualised";

/** Integrated APIC, version 14h, six LVT entries (no CMCI), EOI-broadcast suppression (SDM 3A 11.4.8). */
const VERSION: u32 = 0x1050014;
const IDENTIFIER_SHIFT: u32 = 24;
const SPURIOUS_AT_RESET: u32 = 0xff;
const FLAT_MODEL: u32 = 0xffffffff;
const LVT_EXTINT: u32 = 7 << 8;
const LVT_NMI: u32 = 4 << 8;

/** Logical x2APIC identifier: cluster in the high half, one bit in the low half (SDM 3A 11.12.10.2). */
function extendedLogicalId(vcpu: u32): u32 {
  return (vcpu >> 4 << 16) | (<u32>1 << (vcpu & 15));
}

/** Identifiers as the mode holds them (SDM 3A 11.12.5, 11.12.10). */
export function setIdentifiers(vcpu: u32): void {
  setKeptRegister(vcpu, Register.Identifier, isExtended(vcpu) ? vcpu : vcpu << IDENTIFIER_SHIFT);
  if (isExtended(vcpu)) setRegister(vcpu, Register.LogicalDestination, extendedLogicalId(vcpu));
}

/** Everything but IA32_APIC_BASE and, in x2APIC mode, the identifiers that follow from it. */
export function resetLocalApic(vcpu: u32): void {
  const apic = localApic(vcpu);
  memory.fill(apicPage(vcpu), 0, VirtualApicPage.Private);
  apic.errorsDetected = 0;
  apic.timerExpiry = NEVER;
  forgetExternal(vcpu);
  setIdentifiers(vcpu);
  setRegister(vcpu, Register.Version, VERSION);
  setKeptRegister(vcpu, Register.Spurious, SPURIOUS_AT_RESET);
  setKeptRegister(vcpu, Register.DivideConfiguration, 0);
  setRegister(vcpu, Register.DestinationFormat, FLAT_MODEL);
  for (let entry: u32 = Register.LvtTimer; entry <= <u32>Register.LvtError; entry += 16) setKeptRegister(vcpu, entry, LVT_MASKED);
  setLocalTimerDeadline(vcpu, NEVER);
  refreshPending(vcpu);
}

/** Power-up of all, then what firmware leaves behind on the boot processor: enabled, in virtual-wire mode (MP specification 3.6.2.2). */
export function powerUpLocalApics(): void {
  for (let vcpu: u32 = 0; vcpu < MAXIMUM_VCPUS; vcpu++) {
    localApic(vcpu).base = LOCAL_APIC_BASE | ApicBase.Enable;
    resetLocalApic(vcpu);
    setApicBase(vcpu, localApic(vcpu).base);
  }
  const boot = localApic(0);
  boot.base |= ApicBase.Bsp;
  setApicBase(0, boot.base);
  setKeptRegister(0, Register.Spurious, SPURIOUS_AT_RESET | SVR_ENABLE);
  setKeptRegister(0, Register.LvtLint0, LVT_EXTINT);
  setRegister(0, Register.LvtLint1, LVT_NMI);
  refreshMode(0);
}
