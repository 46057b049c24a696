// Core 0: the page tables of each core, which map what its partition and the kernel on it need, and their seal.

import { FatalReason, fatal, fatalWith } from "../boot/fatal";
import { ImageSymbol, imageAddress } from "../boot/stub";
import { ringPages } from "../console/rings";
import { plannedScreenLength } from "../console/take-over";
import { PAGE_SIZE } from "../memory/layout";
import { addDirectRange, clearDirectRanges, directRangeCount, directRanges, directRangesOverflowed } from "../memory/direct-ranges";
import { CORE_SPACE_SIZE, CoreSpace, LargePage, MapStatus, Mapping, buildCoreTables, createTables, describeImage } from "../memory/paging";
import { clearProtected, protect, protectPages, protectedCount, protectedOverflowed, protectedRanges } from "../memory/protected-ranges";
import { SealStatus, checkTables, sealFailureAddress } from "../memory/seal";
import { Image } from "../../monitor/imports";
import { partitionCount, partitionDiskModule, partitionHasDisk, partitionMayWriteModule, partitionVcpuCount } from "../policy/reader";
import { addFunctionRanges, protectFunctions } from "../assignment/function-ranges";
import { addRemappingRanges, protectRemapping } from "../assignment/remapping-ranges";
import { registersAddress, usesMsrs } from "../../drivers/local-apic";
import * as plan from "./plan";
import { PlanHeader, PlanPartition, field64, header32, header64 } from "./plan";
import { PlanCore, core64, moduleAddress, moduleCount, moduleSize } from "./plan-machine";

const space: CoreSpace = changetype<CoreSpace>(memory.data(88, 8));

/** Builds the tables of core `core` around its frames and returns the address of their PML4. */
export function buildSpace(core: u32): u64 {
  memory.fill(changetype<usize>(space), 0, CORE_SPACE_SIZE);
  describeImage(space);
  space.coreBlock = core64(core, PlanCore.Block);
  space.kernelMemory = core64(core, PlanCore.KernelMemory);
  space.largePages = LargePage.TwoMegabytes;
  clearDirectRanges();
  addSharedRanges(core);
  const partition = plan.partitionOfCore(core);
  if (partition != plan.NO_PARTITION) addPartitionRanges(partition);
  if (core == 0) addStatusPages(partition);
  if (core == 0) addRemappingRanges();
  // Cached as far as the page tables go: the firmware's MTRRs make it UC or WC, SDM 3A table 12-7.
  if (core == 0 && header64(PlanHeader.ScreenAddress) != 0) addDirectRange(header64(PlanHeader.ScreenAddress), plannedScreenLength(), Mapping.Writable);
  if (directRangesOverflowed()) fatal(FatalReason.PageTables);
  space.directRanges = directRanges();
  space.directRangeCount = directRangeCount();
  const pml4 = createTables();
  if (pml4 == 0) fatal(FatalReason.OutOfFrames);
  const status = buildCoreTables(pml4, space);
  if (status != MapStatus.Done) fatalWith(FatalReason.PageTables, "status", status);
  return pml4;
}

function addSharedRanges(core: u32): void {
  addDirectRange(plan.planAddress(), <u64>plan.PLAN_PAGES * PAGE_SIZE, Mapping.ReadOnly);
  addDirectRange(header64(PlanHeader.Policy), header64(PlanHeader.PolicySize), Mapping.ReadOnly);
  addDirectRange(header64(PlanHeader.Rings), <u64>ringPages(header32(PlanHeader.CoreCount)) * PAGE_SIZE, Mapping.Writable);
  addDirectRange(header64(PlanHeader.DeviceReports), PAGE_SIZE, core == 0 ? Mapping.Writable : Mapping.ReadOnly);
  if (!usesMsrs()) addDirectRange(registersAddress(), PAGE_SIZE, Mapping.Writable | Mapping.Uncached);
}

function addPartitionRanges(partition: u32): void {
  space.monitorMemory = field64(partition, PlanPartition.Monitor);
  const size = field64(partition, PlanPartition.LowMemory) + field64(partition, PlanPartition.HighMemory);
  addDirectRange(field64(partition, PlanPartition.MemoryBase), size, Mapping.Writable);
  addDirectRange(field64(partition, PlanPartition.Status), PAGE_SIZE, Mapping.Writable);
  // The command line lies in the policy.
  for (let image: u32 = 0; image < 2; image++) {
    const length = plan.imageLength(partition, image);
    if (length != 0) addDirectRange(plan.imageAddress(partition, image), length, Mapping.ReadOnly);
  }
  const rom = field64(partition, PlanPartition.RomSize);
  if (rom != 0) addDirectRange(field64(partition, PlanPartition.RomBase), rom, Mapping.ReadOnly);
  addDisk(partition);
  addFunctionRanges(partition);
}

/** What the partition writes to its disk stays in the module; nothing else of what the loader gave is ever written. */
function addDisk(partition: u32): void {
  if (!partitionHasDisk(partition)) return;
  const mapping = partitionMayWriteModule(partition, partitionDiskModule(partition)) ? Mapping.Writable : Mapping.ReadOnly;
  addDirectRange(plan.imageAddress(partition, Image.Disk), plan.imageLength(partition, Image.Disk), mapping);
}

/** Core 0 reads what the other partitions' cores report. */
function addStatusPages(own: u32): void {
  for (let partition: u32 = 0; partition < partitionCount(); partition++) {
    if (partition != own) addDirectRange(field64(partition, PlanPartition.Status), PAGE_SIZE, Mapping.ReadOnly);
  }
}

/** The seal: an independent walker finds nothing writable and executable, and none of what this core must not write. */
export function sealSpace(core: u32, pml4: u64): void {
  clearProtected();
  protect(imageAddress(ImageSymbol.Start), imageAddress(ImageSymbol.DataEnd));
  protect(plan.planAddress(), plan.planAddress() + <u64>plan.PLAN_PAGES * PAGE_SIZE);
  const own = plan.partitionOfCore(core);
  for (let module: u32 = 0; module < moduleCount(); module++) {
    if (own != plan.NO_PARTITION && partitionMayWriteModule(own, module)) continue;
    protect(moduleAddress(module), moduleAddress(module) + moduleSize(module));
  }
  for (let partition: u32 = 0; partition < partitionCount(); partition++) protectPartition(partition, partition == own);
  protectFunctions(own);
  protectRemapping(core == 0);
  if (core != 0) protectPages(header64(PlanHeader.DeviceReports), 1);
  if (protectedOverflowed()) fatal(FatalReason.SealPageTables);
  const status = checkTables(pml4, protectedRanges(), protectedCount());
  if (status != SealStatus.Good) fatalWith(FatalReason.SealPageTables, "virtual address", sealFailureAddress());
}

function protectPartition(partition: u32, isOwn: bool): void {
  protectPages(field64(partition, PlanPartition.EptRoot), 1);
  for (let vcpu: u32 = 0; vcpu < partitionVcpuCount(partition); vcpu++) protectPages(plan.vcpuControl(partition, vcpu), 1);
  protectPages(field64(partition, PlanPartition.ApicEptRoot), 1);
  protectPages(field64(partition, PlanPartition.ApicAccessPage), 1);
  protectPages(field64(partition, PlanPartition.MsrBitmap), 1);
  protectPages(field64(partition, PlanPartition.X2ApicMsrBitmap), 1);
  protectPages(field64(partition, PlanPartition.IoBitmaps), 2);
  protectPages(field64(partition, PlanPartition.RomBase), <u32>(field64(partition, PlanPartition.RomSize) / PAGE_SIZE));
  if (isOwn) return;
  const base = field64(partition, PlanPartition.MemoryBase);
  protect(base, base + field64(partition, PlanPartition.LowMemory) + field64(partition, PlanPartition.HighMemory));
  protectPages(field64(partition, PlanPartition.Monitor), 1);
  protectPages(field64(partition, PlanPartition.Status), 1);
}
