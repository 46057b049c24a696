// Core 0's way from the loader to its partition: find out, check all, build all, seal, start the other cores.

import { parseFadt } from "../../drivers/acpi/fadt";
import { coreCount, coresIgnored, parseMadt } from "../../drivers/acpi/madt";
import { AcpiStatus, findRsdp, findTables } from "../../drivers/acpi/tables";
import { RouteStatus, maskAll } from "../../drivers/io-apic";
import { enable as enableLocalApic, identifier } from "../../drivers/local-apic";
import { disable as disablePic } from "../../drivers/pic";
import { preparePowerOff } from "../../drivers/power";
import { readWallClock } from "../../drivers/rtc";
import { calibrateTsc, tscFrequency } from "../../drivers/tsc";
import { HostVector } from "../../drivers/vectors";
import { openConsoles } from "../console/devices";
import { giveKeyboard, registerPartition, startInput } from "../console/partitions";
import { print, printDecimal, printLine } from "../console/print";
import { createRings, ringPages } from "../console/rings";
import { selectedConsoles } from "../console/selection";
import { initialiseRegion, readCapabilities } from "../cpu/backend";
import { reportMitigations } from "../cpu/mitigations";
import { rdtsc } from "../cpu/processor";
import { FramesStatus, freeBytes, initialise as initialiseFrames } from "../memory/frames";
import { CoreData, CorePage, Fixed, KERNEL_MEMORY_PAGES, PAGE_SIZE } from "../memory/layout";
import { store32, store64 } from "../memory/physical";
import { decideApicVirtualisation } from "../partition/apic-virtualisation";
import { buildSpace, sealSpace } from "../partition/core-space";
import * as plan from "../partition/plan";
import { PlanHeader } from "../partition/plan";
import { allocateOrStop, sealPartition, setUpPartition } from "../partition/setup";
import { refuseSiblingThreads } from "../partition/sibling-threads";
import * as policy from "../policy/reader";
import { PolicyStatus } from "../policy/status";
import { buildRemapping, assignDevices, sealAndStartRemapping } from "../assignment/start";
import { surveyDevices } from "../assignment/survey";
import { routeKernelInterrupt } from "../vtd/interrupt-routes";
import { BootStatus, moduleAddress, moduleCount, moduleSize, rsdpAddress } from "./boot-information";
import { commandLineKeyHas } from "./command-line";
import { CoreStatus, startCore } from "./cores";
import { FatalReason, fatal, fatalWith, reportFatal, stop } from "./fatal";
import { runCore } from "./join-system";
import { parseInformation } from "./loader";
import { ImageSymbol, imageAddress, loadPageTables } from "./stub";
import { Text, printText } from "./symbols";

const IRQ_COM1: u32 = 4;

const pml4s: usize = memory.data(512, 8); // plan.MAXIMUM_CORES u64

export function startSystem(information: u64): void {
  const status = parseInformation(information);
  openConsoles(selectedConsoles());
  print("Bulkhead separation kernel");
  printLine();
  if (status != BootStatus.Done) refuseInformation(status);
  if (initialiseFrames() != FramesStatus.Done) fatal(FatalReason.NoMemory);
  surveyMachine();
  surveyDevices();
  checkMachine();
  reportMitigations(wantsAllMitigations());
  makePlan();
  decideApicVirtualisation();
  for (let partition: u32 = 0; partition < policy.partitionCount(); partition++) setUpPartition(partition);
  buildRemapping();
  buildSpaces();
  seal();
  openConsoleInput();
  startOtherCores();
  loadPageTables(load<u64>(pml4s));
  runCore();
}

function refuseInformation(status: BootStatus): void {
  reportFatal(FatalReason.BootInformation);
  print("  ");
  printText(Text.BootStatus, status);
  printLine();
  stop();
}

function surveyMachine(): void {
  const rsdp = rsdpAddress() != 0 ? rsdpAddress() : findRsdp();
  const tables = findTables(rsdp);
  if (tables != AcpiStatus.Done) fatalWith(FatalReason.AcpiTables, "status", tables);
  disablePic();
  enableLocalApic();
  const madt = parseMadt(identifier());
  if (madt != AcpiStatus.Done) fatalWith(FatalReason.AcpiTables, "MADT status", madt);
  const fadt = parseFadt();
  if (fadt != AcpiStatus.Done) fatalWith(FatalReason.AcpiTables, "FADT status", fadt);
  maskAll();
  preparePowerOff();
  const frequency = calibrateTsc();
  if (frequency == 0) fatal(FatalReason.TscCalibration);
  printDecimal(coreCount());
  print(coreCount() == 1 ? " core, TSC " : " cores, TSC ");
  printDecimal(frequency / 1000);
  print(" kHz, ");
  printDecimal(freeBytes() >> 20);
  print(" MiB free");
  printLine();
  if (coresIgnored() == 0) return;
  printDecimal(coresIgnored());
  print(" cores beyond those that Bulkhead supports stay off");
  printLine();
}

/** All that is missing is named before the boot stops: of the processor, and of what the policy gives away. */
function checkMachine(): void {
  let missing = readCapabilities();
  if (moduleCount() == 0) fatal(missing != 0 ? FatalReason.ProcessorUnsuitable : FatalReason.PolicyMissing);
  readPolicy();
  plan.attachPlan(allocateOrStop(plan.PLAN_PAGES));
  missing += refuseSiblingThreads();
  missing += assignDevices();
  if (missing != 0) fatal(FatalReason.ProcessorUnsuitable);
}

/** The command line may ask for every sequence that the processor has. */
function wantsAllMitigations(): bool { return commandLineKeyHas("mitigations=", "all"); }

function readPolicy(): void {
  const status = policy.validatePolicy(moduleAddress(0), moduleSize(0), moduleCount() - 1, coreCount());
  if (status == PolicyStatus.Valid) return;
  reportFatal(FatalReason.PolicyInvalid);
  print("policy.bin: partition ");
  printDecimal(policy.failedPartition());
  print(": ");
  printText(Text.PolicyStatus, status);
  printLine();
  stop();
}

function makePlan(): void {
  plan.setHeader64(PlanHeader.Policy, moduleAddress(0));
  plan.setHeader64(PlanHeader.PolicySize, moduleSize(0));
  plan.setHeader64(PlanHeader.TscFrequency, tscFrequency());
  plan.setHeader64(PlanHeader.WallClock, readWallClock());
  plan.setHeader64(PlanHeader.WallClockTsc, rdtsc());
  plan.setHeader32(PlanHeader.CoreCount, coreCount());
  plan.setHeader32(PlanHeader.AllMitigations, wantsAllMitigations() ? 1 : 0);
  const rings = allocateOrStop(ringPages(coreCount()));
  createRings(rings, coreCount(), identifier());
  plan.setHeader64(PlanHeader.Rings, rings);
  plan.setHeader64(PlanHeader.DeviceReports, allocateOrStop(1));
  for (let core: u32 = 0; core < coreCount(); core++) {
    const region = allocateOrStop(1);
    initialiseRegion(region);
    plan.setCoreRegion(core, region);
    plan.clearCore(core);
  }
}

function buildSpaces(): void {
  store<u64>(Fixed.Plan, plan.planAddress());
  store<u64>(pml4s, buildSpace(0, imageAddress(ImageSymbol.BootCoreBlock), imageAddress(ImageSymbol.BootKernelMemory)));
  for (let core: u32 = 1; core < coreCount(); core++) {
    const block = allocateOrStop(CorePage.Count);
    const kernelMemory = allocateOrStop(KERNEL_MEMORY_PAGES + 1);
    // The core's number and the plan are what it cannot find out by itself.
    store32(block + <u64>CorePage.CoreData * PAGE_SIZE + <u64>CoreData.CoreId, core);
    store64(kernelMemory + PAGE_SIZE + <u64>Fixed.Plan, plan.planAddress());
    store<u64>(pml4s + (core << 3), buildSpace(core, block, kernelMemory));
  }
}

/** Nothing has run in a partition yet; what the walkers find now is what stays. Devices follow the tables from here on. */
function seal(): void {
  for (let partition: u32 = 0; partition < policy.partitionCount(); partition++) sealPartition(partition);
  for (let core: u32 = 0; core < coreCount(); core++) sealSpace(core, load<u64>(pml4s + (core << 3)));
  print("sealed: every EPT and page table matches the policy");
  printLine();
  sealAndStartRemapping();
}

function openConsoleInput(): void {
  for (let partition: u32 = 0; partition < policy.partitionCount(); partition++) {
    registerPartition(partition, policy.partitionName(partition), plan.vcpuApicId(partition, 0));
    if (policy.partitionHasKeyboard(partition)) giveKeyboard(partition);
  }
  const status = routeKernelInterrupt(IRQ_COM1, HostVector.ConsoleInput, identifier());
  if (status == RouteStatus.SourceUnknown) {
    // A known fault of firmware; housekeeping looks for input all the same.
    print("console: the DMAR table names no I/O APIC, so that input is polled");
    printLine();
  } else if (status != RouteStatus.Done) {
    fatalWith(FatalReason.InterruptRoute, "status", status);
  }
  startInput();
}

function startOtherCores(): void {
  for (let core: u32 = 1; core < coreCount(); core++) {
    if (startCore(core, load<u64>(pml4s + (core << 3))) != CoreStatus.Started) fatalWith(FatalReason.CoreNotStarted, "core", core);
  }
}
