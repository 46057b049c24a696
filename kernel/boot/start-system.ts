// Core 0's way from the plan to its partition: takes over what was found out and built, seals it, starts the other cores.

import { identifier } from "../../drivers/local-apic";
import { giveKeyboard, registerPartition, startInput } from "../console/partitions";
import { print, printLine } from "../console/print";
import { createRings } from "../console/rings";
import { takeOverConsoles } from "../console/take-over";
import * as plan from "../partition/plan";
import { PlanHeader, header32, header64 } from "../partition/plan";
import { PlanCore, core64 } from "../partition/plan-machine";
import * as policy from "../policy/reader";
import { startRemapping } from "../assignment/start";
import { sealPlan, sealTables } from "../seal/seal";
import { CoreStatus, startCore } from "./cores";
import { FatalReason, fatalWith } from "./fatal";
import { attachSystem, runCore } from "./join-system";
import { loadPageTables } from "./stub";

/**
 * Goes on from the plan, on the boot core's first tables. Nothing has run in a partition yet: what the seal finds is what stays. Devices follow
 * the tables once it has passed. Never returns.
 */
export function startSystem(): void {
  plan.attachHandedPlan();
  attachSystem();
  sealPlan();
  createRings(header64(PlanHeader.Rings), header32(PlanHeader.CoreCount), identifier());
  takeOverConsoles();
  sealTables();
  print("sealed: every EPT and page table matches the policy");
  printLine();
  startRemapping();
  openConsoleInput();
  startOtherCores();
  loadPageTables(core64(0, PlanCore.Pml4));
  runCore();
}

function openConsoleInput(): void {
  for (let partition: u32 = 0; partition < policy.partitionCount(); partition++) {
    registerPartition(partition, policy.partitionName(partition), plan.vcpuApicId(partition, 0));
    if (policy.partitionHasKeyboard(partition)) giveKeyboard(partition);
  }
  startInput();
}

function startOtherCores(): void {
  for (let core: u32 = 1; core < header32(PlanHeader.CoreCount); core++) {
    if (startCore(core) != CoreStatus.Started) fatalWith(FatalReason.CoreNotStarted, "core", core);
  }
}
