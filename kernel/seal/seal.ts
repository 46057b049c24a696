// The seal: before the first VM entry the kernel checks all that the planner chose and built, from the plan, the policy and the image alone.
// Whatever the planner did, a system that passes gives each partition what the policy gives it: what follows from the policy is worked out
// again, what the kernel starts from is written anew, each frame has one use, and every tree of tables maps just its list.

import { PowerOffRecord } from "../../drivers/power";
import { FatalReason, fatalWith } from "../boot/fatal";
import { ImageSymbol, imageAddress } from "../boot/stub";
import { ringPages } from "../console/ring-layout";
import { PRESENT, TABLE_ENTRY } from "../memory/paging";
import { load16 } from "../memory/physical";
import * as plan from "../partition/plan";
import { PlanHeader, PlanPartition, field64, header32, header64 } from "../partition/plan";
import { MAXIMUM_PLAN_FUNCTIONS, functionCount } from "../partition/plan-functions";
import { MAXIMUM_MODULES, PlanCore, core64, moduleAddress, moduleCount, moduleSize } from "../partition/plan-machine";
import { partitionCount } from "../policy/reader";
import { claim, claimFrames, claimPorts, clearClaims, refusePlan } from "./claims";
import { describeCore } from "./core-map";
import { DMA_RIGHTS, describeDomain } from "./domain-map";
import { prepareCore, preparePartition } from "./frames";
import { claimFunctions } from "./functions";
import { EPT_RIGHTS, describeMemory } from "./partition-map";
import { locatePolicy, placePartitions } from "./partition-plan";
import { checkPolicy } from "./policy-bounds";
import { claimRemapping } from "./remapping";
import { checkTree, sealFailureAddress } from "./walker";

/** I/O APICs, and where interrupt messages go, the local APIC among them (SDM 3A 11.11.1): nobody's memory. */
const IO_APICS: u64 = 0xfec00000;
const MESSAGES: u64 = 0xfee00000;
const CONTROLLERS_LENGTH: u64 = 0x100000;
/** Devices of the PC lie below, PCI 3.0 3.2.2.1. */
const PC_PORTS_END: u64 = 0x400;
/** CONFIG_ADDRESS to CONFIG_DATA, PCI 3.0 3.2.2.3.2, and the reset control register. */
const CONFIGURATION_PORTS: u64 = 0xcf8;
const CONFIGURATION_PORTS_LENGTH: u64 = 8;
/** Of EPTs and page tables. */
const LEVELS: u32 = 4;

/** Takes the plan apart into claims, once; the first step, since the kernel reads and writes by it from here on. */
export function sealPlan(): void {
  clearClaims();
  claim(imageAddress(ImageSymbol.Start), imageAddress(ImageSymbol.End) - imageAddress(ImageSymbol.Start));
  claimFrames(plan.planAddress(), plan.PLAN_PAGES);
  checkCounts();
  for (let module: u32 = 0; module < moduleCount(); module++) claim(moduleAddress(module), moduleSize(module));
  locatePolicy();
  checkPolicy();
  placePartitions();
  claimMachine();
  for (let core: u32 = 0; core < header32(PlanHeader.CoreCount); core++) prepareCore(core);
  for (let partition: u32 = 0; partition < partitionCount(); partition++) preparePartition(partition);
  claimFunctions();
  claimRemapping();
}

function checkCounts(): void {
  const cores = header32(PlanHeader.CoreCount);
  if (cores == 0 || cores > plan.MAXIMUM_CORES) refusePlan("cores", cores);
  if (moduleCount() == 0 || moduleCount() > MAXIMUM_MODULES) refusePlan("modules", moduleCount());
  if (functionCount() > MAXIMUM_PLAN_FUNCTIONS) refusePlan("functions", functionCount());
}

function claimMachine(): void {
  claim(IO_APICS, CONTROLLERS_LENGTH);
  claim(MESSAGES, CONTROLLERS_LENGTH);
  claim(header64(PlanHeader.ScreenAddress), header64(PlanHeader.ScreenLength));
  if (header64(PlanHeader.Trampoline) != 0) claimFrames(header64(PlanHeader.Trampoline), 1);
  claimFrames(header64(PlanHeader.Rings), ringPages(header32(PlanHeader.CoreCount)));
  claimFrames(header64(PlanHeader.DeviceReports), 1);
  claimPorts(0, PC_PORTS_END);
  claimPorts(CONFIGURATION_PORTS, CONFIGURATION_PORTS_LENGTH);
  const pm1a = powerPort(PowerOffRecord.Pm1aControl);
  const pm1b = powerPort(PowerOffRecord.Pm1bControl);
  if (pm1a >= PC_PORTS_END) claimPorts(pm1a, 2);
  if (pm1b >= PC_PORTS_END && pm1b != pm1a) claimPorts(pm1b, 2);
}

/** Of a register of 16 bits, ACPI 6.4 4.8.3.2; 0 if there is none. Firmware may name one twice. */
function powerPort(field: PowerOffRecord): u64 { return load16(plan.planAddress() + PlanHeader.PowerOff + field); }

/** Every EPT, every core's tables, and those of devices; all claims have been made. */
export function sealTables(): void {
  for (let partition: u32 = 0; partition < partitionCount(); partition++) {
    sealEpt(partition, PlanPartition.EptRoot, false);
    sealEpt(partition, PlanPartition.ApicEptRoot, true);
    if (field64(partition, PlanPartition.DomainRoot) != 0) sealDomain(partition);
  }
  for (let core: u32 = 0; core < header32(PlanHeader.CoreCount); core++) {
    describeCore(core);
    if (!checkTree(core64(core, PlanCore.Pml4), LEVELS, PRESENT, TABLE_ENTRY)) fatalWith(FatalReason.SealPageTables, "virtual address", sealFailureAddress());
  }
}

function sealEpt(partition: u32, root: PlanPartition, withApicPage: bool): void {
  describeMemory(partition, withApicPage);
  if (!checkTree(field64(partition, root), LEVELS, EPT_RIGHTS, EPT_RIGHTS)) fatalWith(FatalReason.SealEpt, "guest-physical address", sealFailureAddress());
}

/** What the devices of a partition reach. */
export function sealDomain(partition: u32): void {
  describeDomain(partition);
  if (checkTree(field64(partition, PlanPartition.DomainRoot), header32(PlanHeader.TableLevels), DMA_RIGHTS, DMA_RIGHTS)) return;
  fatalWith(FatalReason.SealRemapping, "device address", sealFailureAddress());
}
