// Core 0's way from the plan to its partition: takes over what was found out and built, seals it, starts the other cores.

import { attachConsole, startConsoleInput } from "../console/attach";
import { print, printLine } from "../console/print";
import * as plan from "../partition/plan";
import { PlanHeader, header32 } from "../partition/plan";
import { PlanCore, core64 } from "../partition/plan-machine";
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
  attachConsole();
  sealTables();
  print("sealed: every EPT and page table matches the policy");
  printLine();
  startRemapping();
  startConsoleInput();
  startOtherCores();
  loadPageTables(core64(0, PlanCore.Pml4));
  runCore();
}

function startOtherCores(): void {
  for (let core: u32 = 1; core < header32(PlanHeader.CoreCount); core++) {
    if (startCore(core) != CoreStatus.Started) fatalWith(FatalReason.CoreNotStarted, "core", core);
  }
}
