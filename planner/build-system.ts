// Core 0 before the seal: find out, check all, build all. What it leaves is the plan.

import { parseFadt } from "./drivers/acpi/fadt";
import { coreApicId, coreCount, coresIgnored, parseMadt } from "./drivers/acpi/madt";
import { describePowerOff } from "./drivers/acpi/power-off";
import { AcpiStatus, findRsdp, findTables } from "./drivers/acpi/tables";
import { maskAll } from "./drivers/io-apic";
import { find as findLocalApic, identifier } from "../drivers/local-apic";
import { disable as disablePic } from "./drivers/pic";
import { readWallClock } from "./drivers/rtc";
import { tscFrequency } from "../drivers/tsc";
import { calibrateTsc } from "./drivers/tsc-calibration";
import { assignDevices, buildRemapping } from "./assignment/assign";
import { surveyDevices } from "./assignment/survey";
import { openConsoles } from "./console/open";
import { print, printDecimal, printLine } from "../kernel/console/print";
import { ringPages } from "../kernel/console/ring-layout";
import { routeInput } from "./console/route-input";
import { selectedConsoles } from "./console/selection";
import { readCapabilities } from "../kernel/cpu/backend";
import { reportMitigations } from "./cpu/mitigation-report";
import { nameMissingCapabilities } from "./cpu/capability-report";
import { rdtsc } from "../kernel/cpu/processor";
import { FramesStatus, freeBytes, initialise as initialiseFrames, trampolinePage } from "./memory/frames";
import { CorePage, KERNEL_MEMORY_PAGES } from "../kernel/memory/layout";
import { buildSpace } from "./partition/core-space";
import { decideApicVirtualisation } from "./partition/decide-apic-virtualisation";
import * as plan from "../kernel/partition/plan";
import { PlanHeader } from "../kernel/partition/plan";
import { PlanCore, setCore64 } from "../kernel/partition/plan-machine";
import { decideScreen } from "./partition/screen-owner";
import { allocateOrStop, chooseOrStop, setUpPartition } from "./partition/setup";
import { refuseSiblingThreads } from "./partition/sibling-threads";
import * as policy from "../kernel/policy/reader";
import { PolicyStatus } from "./policy/status";
import { failedPartition, validatePolicy } from "./policy/validate";
import { locatePolicy, placePartitions } from "../kernel/seal/partition-plan";
import { BootStatus, moduleAddress, moduleCount, moduleSize, rsdpAddress } from "./boot/boot-information";
import { commandLineKeyHas } from "./boot/command-line";
import { FatalReason, fatal, fatalWith, reportFatal, stop } from "../kernel/boot/fatal";
import { parseInformation } from "./boot/loader";
import { ImageSymbol, imageAddress } from "../kernel/boot/stub";
import { Text, printText } from "../kernel/boot/symbols";
import { addModule, setCoreApicId, setCoreRegion, setHeader32 } from "./partition/plan-writer";

/** Builds the system that the policy asks for; returns the physical address of its plan. `information`: as the loader gave it. */
export function buildSystem(information: u64): u64 {
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
  placePartitions();
  for (let partition: u32 = 0; partition < policy.partitionCount(); partition++) setUpPartition(partition);
  buildRemapping();
  routeInput();
  decideScreen();
  buildSpaces();
  return plan.planAddress();
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
  findLocalApic();
  const madt = parseMadt(identifier());
  if (madt != AcpiStatus.Done) fatalWith(FatalReason.AcpiTables, "MADT status", madt);
  const fadt = parseFadt();
  if (fadt != AcpiStatus.Done) fatalWith(FatalReason.AcpiTables, "FADT status", fadt);
  maskAll();
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
  let missing = nameMissingCapabilities();
  readCapabilities();
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
  const status = validatePolicy(moduleAddress(0), moduleSize(0), moduleCount() - 1, coreCount());
  if (status == PolicyStatus.Valid) return;
  reportFatal(FatalReason.PolicyInvalid);
  print("policy.bin: partition ");
  printDecimal(failedPartition());
  print(": ");
  printText(Text.PolicyStatus, status);
  printLine();
  stop();
}

function makePlan(): void {
  plan.setHeader64(PlanHeader.TscFrequency, tscFrequency());
  plan.setHeader64(PlanHeader.WallClock, readWallClock());
  plan.setHeader64(PlanHeader.WallClockTsc, rdtsc());
  setHeader32(PlanHeader.CoreCount, coreCount());
  setHeader32(PlanHeader.AllMitigations, wantsAllMitigations() ? 1 : 0);
  plan.setHeader64(PlanHeader.Trampoline, trampolinePage());
  plan.setHeader64(PlanHeader.Rings, chooseOrStop(ringPages(coreCount())));
  for (let module: u32 = 0; module < moduleCount(); module++) addModule(moduleAddress(module), moduleSize(module));
  locatePolicy();
  describePowerOff(plan.planAddress() + PlanHeader.PowerOff);
  plan.setHeader64(PlanHeader.DeviceReports, allocateOrStop(1));
  for (let core: u32 = 0; core < coreCount(); core++) {
    setCoreRegion(core, chooseOrStop(1));
    setCoreApicId(core, coreApicId(core));
  }
}

function buildSpaces(): void {
  setCore64(0, PlanCore.Block, imageAddress(ImageSymbol.BootCoreBlock));
  setCore64(0, PlanCore.KernelMemory, imageAddress(ImageSymbol.BootKernelMemory));
  for (let core: u32 = 1; core < coreCount(); core++) {
    setCore64(core, PlanCore.Block, chooseOrStop(CorePage.Count));
    setCore64(core, PlanCore.KernelMemory, chooseOrStop(KERNEL_MEMORY_PAGES + 1));
  }
  for (let core: u32 = 0; core < coreCount(); core++) setCore64(core, PlanCore.Pml4, buildSpace(core));
}
