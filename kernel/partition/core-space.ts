// Core 0: the page tables of each core, which map what its partition and the kernel on it need, and their seal.

import { FatalReason, fatal, fatalWith } from "../boot/fatal";
import { moduleAddress, moduleCount, moduleSize } from "../boot/multiboot2";
import { ImageSymbol, imageAddress } from "../boot/stub";
import { ringPages } from "../console/rings";
import { PAGE_SIZE } from "../memory/layout";
import { CORE_SPACE_SIZE, CoreSpace, DIRECT_RANGE_SIZE, DirectRange, LargePage, MapStatus, Mapping, buildCoreTables, createTables, describeImage } from "../memory/paging";
import { PROTECTED_SIZE, Protected, SealStatus, checkTables, sealFailureAddress } from "../memory/seal";
import { partitionCount } from "../policy/reader";
import { registersAddress, usesMsrs } from "../../drivers/local-apic";
import * as plan from "./plan";
import { PlanHeader, PlanPartition, field64, header32, header64 } from "./plan";

const MAXIMUM_RANGES: u32 = 64;
const MAXIMUM_PROTECTED: u32 = 128;
const ranges: usize = memory.data(1536, 8); // MAXIMUM_RANGES * DIRECT_RANGE_SIZE
const protectedRanges: usize = memory.data(2048, 8); // MAXIMUM_PROTECTED * PROTECTED_SIZE
const space: CoreSpace = changetype<CoreSpace>(memory.data(88, 8));

let protectedCount: u32 = 0;

/** Builds the tables of core `core` around its frames and returns the address of their PML4. */
export function buildSpace(core: u32, coreBlock: u64, kernelMemory: u64): u64 {
  memory.fill(changetype<usize>(space), 0, CORE_SPACE_SIZE);
  describeImage(space);
  space.coreBlock = coreBlock;
  space.kernelMemory = kernelMemory;
  space.largePages = LargePage.TwoMegabytes;
  space.directRanges = ranges;
  addSharedRanges(core);
  const partition = plan.partitionOfCore(core);
  if (partition != plan.NO_PARTITION) addPartitionRanges(partition);
  if (core == 0) addStatusPages(partition);
  const pml4 = createTables();
  if (pml4 == 0) fatal(FatalReason.OutOfFrames);
  const status = buildCoreTables(pml4, space);
  if (status != MapStatus.Done) fatalWith(FatalReason.PageTables, "status", status);
  return pml4;
}

function addRange(base: u64, length: u64, mapping: u32): void {
  if (space.directRangeCount == MAXIMUM_RANGES) return fatal(FatalReason.PageTables);
  const first = base & ~(PAGE_SIZE - 1);
  const range = changetype<DirectRange>(ranges + <usize>space.directRangeCount * DIRECT_RANGE_SIZE);
  range.base = first;
  range.length = ((base + length + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1)) - first;
  range.mapping = mapping;
  space.directRangeCount++;
}

function addSharedRanges(core: u32): void {
  addRange(plan.planAddress(), <u64>plan.PLAN_PAGES * PAGE_SIZE, Mapping.ReadOnly);
  addRange(header64(PlanHeader.Policy), header64(PlanHeader.PolicySize), Mapping.ReadOnly);
  addRange(header64(PlanHeader.Rings), <u64>ringPages(header32(PlanHeader.CoreCount)) * PAGE_SIZE, Mapping.Writable);
  if (!usesMsrs()) addRange(registersAddress(), PAGE_SIZE, Mapping.Writable | Mapping.Uncached);
}

function addPartitionRanges(partition: u32): void {
  space.monitorMemory = field64(partition, PlanPartition.Monitor);
  const size = field64(partition, PlanPartition.LowMemory) + field64(partition, PlanPartition.HighMemory);
  addRange(field64(partition, PlanPartition.MemoryBase), size, Mapping.Writable);
  addRange(field64(partition, PlanPartition.Status), PAGE_SIZE, Mapping.Writable);
  // The third image, the command line, lies in the policy.
  for (let image: u32 = 0; image < 2; image++) {
    const length = plan.imageLength(partition, image);
    if (length != 0) addRange(plan.imageAddress(partition, image), length, Mapping.ReadOnly);
  }
}

/** Core 0 reads what the other partitions' cores report. */
function addStatusPages(own: u32): void {
  for (let partition: u32 = 0; partition < partitionCount(); partition++) {
    if (partition != own) addRange(field64(partition, PlanPartition.Status), PAGE_SIZE, Mapping.ReadOnly);
  }
}

/** The seal: an independent walker finds nothing writable and executable, and none of what this core must not write. */
export function sealSpace(core: u32, pml4: u64): void {
  protectedCount = 0;
  protect(imageAddress(ImageSymbol.Start), imageAddress(ImageSymbol.DataEnd));
  protect(plan.planAddress(), plan.planAddress() + <u64>plan.PLAN_PAGES * PAGE_SIZE);
  for (let module: u32 = 0; module < moduleCount(); module++) {
    protect(moduleAddress(module), moduleAddress(module) + moduleSize(module));
  }
  const own = plan.partitionOfCore(core);
  for (let partition: u32 = 0; partition < partitionCount(); partition++) protectPartition(partition, partition == own);
  const status = checkTables(pml4, protectedRanges, protectedCount);
  if (status != SealStatus.Good) fatalWith(FatalReason.SealPageTables, "virtual address", sealFailureAddress());
}

function protectPartition(partition: u32, isOwn: bool): void {
  protectPages(field64(partition, PlanPartition.EptRoot), 1);
  protectPages(field64(partition, PlanPartition.VcpuControl), 1);
  protectPages(field64(partition, PlanPartition.MsrBitmap), 1);
  protectPages(field64(partition, PlanPartition.IoBitmaps), 2);
  if (isOwn) return;
  const base = field64(partition, PlanPartition.MemoryBase);
  protect(base, base + field64(partition, PlanPartition.LowMemory) + field64(partition, PlanPartition.HighMemory));
  protectPages(field64(partition, PlanPartition.Monitor), 1);
  protectPages(field64(partition, PlanPartition.Status), 1);
}

function protectPages(base: u64, pages: u64): void { protect(base, base + pages * PAGE_SIZE); }

function protect(base: u64, end: u64): void {
  if (protectedCount == MAXIMUM_PROTECTED) return fatal(FatalReason.SealPageTables);
  const record = changetype<Protected>(protectedRanges + <usize>protectedCount * PROTECTED_SIZE);
  record.base = base;
  record.end = end;
  protectedCount++;
}
