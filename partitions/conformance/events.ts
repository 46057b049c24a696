// Interrupt shadow and NMI blocking (SDM 3A 6.8.3 and 6.7.1).

import { nestedNmi, shadowCpuid, shadowNop } from "../runtime/debug";
import { enableLocalApic, endOfInterrupt, usesX2apic } from "../runtime/local-apic";
import { check, msr } from "./check";

const MSR_X2APIC_ID: u32 = 0x802;
/** Interrupt command: NMI, physical destination, level assert (SDM 3A 10.6.1). */
const COMMAND_NMI: u64 = (4 << 8) | (1 << 14);

export function checkEvents(): void {
  enableLocalApic();
  if (!usesX2apic()) return;
  check("interrupt behind the shadow of STI", shadowNop(), 0);
  endOfInterrupt();
  check("interrupt behind CPUID in the shadow of STI", shadowCpuid(), 0);
  endOfInterrupt();
  check("NMI during an NMI", nestedNmi(COMMAND_NMI | (msr(MSR_X2APIC_ID) << 32)), 0);
}
