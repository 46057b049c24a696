// Whether this system has the processor virtualise local APICs: core 0 decides for all, by its capabilities and the command line.

import { commandLineKeyHas } from "../boot/command-line";
import { print, printLine } from "../console/print";
import { apicFeatures } from "../cpu/backend";
import { ApicFeature } from "../../monitor/interface";
import { PlanHeader, header32, setHeader32 } from "./plan";

export function decideApicVirtualisation(): void {
  const available = apicFeatures();
  const reason = reasonAgainst(available);
  const features = reason == null ? available : 0;
  setHeader32(PlanHeader.ApicFeatures, features);
  print("local APICs: ");
  print(reason == null ? "virtualised by the processor: registers, virtual-interrupt delivery" : reason);
  if (features & ApicFeature.X2Apic) print(", x2APIC");
  if (features & ApicFeature.Posted) print(", posted interrupts");
  printLine();
}

/** Bochs alone lacks posted interrupts only, and delivers virtual interrupts to guests with interrupts closed: there on demand. */
function reasonAgainst(available: u32): string | null {
  if (commandLineKeyHas("apic-virtualisation=", "off")) return "by software, as the command line asks";
  if (!available) return "by software, as the processor has no virtual-interrupt delivery";
  if (available & ApicFeature.Posted || commandLineKeyHas("apic-virtualisation=", "on")) return null;
  return "by software, as the processor has no posted interrupts";
}

/** Mask of ApicFeature in use. */
export function usedApicFeatures(): u32 { return header32(PlanHeader.ApicFeatures); }

/** What core 0 decided on and this core cannot do. */
export function missingApicFeatures(): u32 { return usedApicFeatures() & ~apicFeatures(); }
