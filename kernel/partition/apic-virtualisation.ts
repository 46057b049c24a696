// Whether this system has the processor virtualise local APICs: decided for all cores (decide-apic-virtualisation.ts).

import { apicFeatures } from "../cpu/backend";
import { PlanHeader, header32 } from "./plan";

/** Mask of ApicFeature in use. */
export function usedApicFeatures(): u32 { return header32(PlanHeader.ApicFeatures); }

/** What core 0 decided on and this core cannot do. */
export function missingApicFeatures(): u32 { return usedApicFeatures() & ~apicFeatures(); }
