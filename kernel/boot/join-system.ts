// A core's way to its partition, once its tables are sealed: the same for all cores.

import { enable as enableLocalApic, identifier } from "../../drivers/local-apic";
import { setTscFrequency } from "../../drivers/tsc";
import { print, printDecimal, printLine } from "../console/print";
import { attachRings } from "../console/rings";
import { EnableStatus, enableVirtualisation, readCapabilities } from "../cpu/backend";
import { startMitigations } from "../cpu/mitigations";
import { missingApicFeatures } from "../partition/apic-virtualisation";
import { startHousekeeping } from "../partition/housekeeping";
import { attachPartition, currentVcpu } from "../partition/current";
import { joinPartition, loadPartitionVcpu, startPartition } from "../partition/lifecycle";
import { attachKicks } from "../partition/kick";
import { attachMonitorLock } from "../partition/monitor-lock";
import { park } from "../partition/park";
import * as plan from "../partition/plan";
import { PlanHeader, header32, header64 } from "../partition/plan";
import { coreApicId } from "../partition/plan-machine";
import { setBase } from "../policy/record";
import { FatalReason, fatal, fatalWith, reportFatal, stop } from "./fatal";
import { coreId, enterGuest } from "./stub";
import { Text, printText } from "./symbols";

/** A core other than 0: takes over what core 0 handed to it. */
export function joinSystem(): void {
  plan.attachHandedPlan();
  attachRings(header64(PlanHeader.Rings), coreId());
  attachSystem();
  runCore();
}

/** What every core takes from the plan. */
export function attachSystem(): void {
  setBase(header64(PlanHeader.Policy));
  setTscFrequency(header64(PlanHeader.TscFrequency));
  enableLocalApic();
  // Interrupts of the partition's functions and of other cores go by it.
  if (coreApicId(coreId()) != identifier()) fatalWith(FatalReason.SealPlan, "APIC identifier", identifier());
  if (!readCapabilities()) fatal(FatalReason.ProcessorUnsuitable);
  if (missingApicFeatures()) fatalWith(FatalReason.ProcessorUnsuitable, "without core 0's virtualisation of local APICs, ApicFeature", missingApicFeatures());
}

/** Turns virtualisation on and enters this core's partition, or parks. Never returns. */
export function runCore(): void {
  const status = enableVirtualisation(plan.coreRegion(coreId()));
  if (status != EnableStatus.Done) {
    reportFatal(FatalReason.VmxOn);
    printText(Text.EnableStatus, status);
    printLine();
    stop();
  }
  startMitigations(header32(PlanHeader.AllMitigations) != 0);
  const partition = attachPartition();
  startHousekeeping();
  if (partition == plan.NO_PARTITION) {
    print("core ");
    printDecimal(coreId());
    print(" runs no partition");
    printLine();
    return park();
  }
  if (!loadPartitionVcpu()) fatal(FatalReason.VmcsLoad);
  attachMonitorLock();
  attachKicks();
  if (currentVcpu() == 0) startPartition();
  else joinPartition();
  enterGuest();
}
