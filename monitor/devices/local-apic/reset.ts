// State of a local APIC after power-up, INIT and a global disable (SDM 3A 11.4.7).

import { LOCAL_APIC_BASE, MAXIMUM_VCPUS } from "../../interface";
import { NEVER, setLocalTimerDeadline } from "../deadlines";
import { refreshPending } from "./priority";
import { ApicBase, isExtended, LocalApic, localApic, Lvt, LVT_MASKED, setLvtEntry, SVR_ENABLE } from "./state";
import { setApicBase } from "../vcpu-mailbox";

const SPURIOUS_AT_RESET: u32 = 0xff;
const FLAT_MODEL: u32 = 0xffffffff;
const LVT_EXTINT: u32 = 7 << 8;
const LVT_NMI: u32 = 4 << 8;

/** Logical x2APIC identifier: cluster in the high half, one bit in the low half (SDM 3A 11.12.10.2). */
export function extendedLogicalId(vcpu: u32): u32 {
  return (vcpu >> 4 << 16) | (<u32>1 << (vcpu & 15));
}

/** Everything but IA32_APIC_BASE and, in x2APIC mode, the identifiers that follow from it. */
export function resetLocalApic(vcpu: u32): void {
  const apic = localApic(vcpu);
  const base = apic.base;
  memory.fill(changetype<usize>(apic), 0, offsetof<LocalApic>());
  apic.base = base;
  apic.timerExpiry = NEVER;
  apic.spurious = SPURIOUS_AT_RESET;
  apic.destinationFormat = FLAT_MODEL;
  if (isExtended(apic)) apic.logicalDestination = extendedLogicalId(vcpu);
  for (let entry: u32 = 0; entry < <u32>Lvt.Count; entry++) setLvtEntry(apic, entry, LVT_MASKED);
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
  boot.spurious |= SVR_ENABLE;
  boot.lvt3 = LVT_EXTINT;
  boot.lvt4 = LVT_NMI;
}
