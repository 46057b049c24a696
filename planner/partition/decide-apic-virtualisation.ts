// Whether this system has the processor virtualise local APICs: by the capabilities of core 0 and the command line.

import { commandLineKeyHas } from "../boot/command-line";
import { print, printLine } from "../../kernel/console/print";
import { apicFeatures } from "../../kernel/cpu/backend";
import { ApicFeature } from "../../monitor/interface";
import { PlanHeader } from "../../kernel/partition/plan";
import { setHeader32 } from "./plan-writer";

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
