// Whether this system has the processor virtualise local APICs: core 0 decides for all, by its capabilities and the command line.

import { commandLineKeyHas } from "../boot/command-line";
import { print, printLine } from "../console/print";
import { apicFeatures } from "../cpu/backend";
import { ApicFeature } from "../../monitor/interface";
import { PlanHeader, header32, setHeader32 } from "./plan";

export function decideApicVirtualisation(): void {
  const isOff = commandLineKeyHas("apic-virtualisation=", "off");
  const features = isOff ? 0 : apicFeatures();
  setHeader32(PlanHeader.ApicFeatures, features);
  print("local APICs: ");
  if (features & ApicFeature.VirtualInterrupts) print("virtualised by the processor: registers, virtual-interrupt delivery");
  else print(isOff ? "by software, as the command line asks" : "by software, as the processor has no virtual-interrupt delivery");
  if (features & ApicFeature.X2Apic) print(", x2APIC");
  if (features & ApicFeature.Posted) print(", posted interrupts");
  printLine();
}

/** Mask of ApicFeature in use. */
export function usedApicFeatures(): u32 { return header32(PlanHeader.ApicFeatures); }

/** Whether this core can do what core 0 decided. */
export function canVirtualiseApics(): bool { return (usedApicFeatures() & ~apicFeatures()) == 0; }
