// Core 0: frames, EPT and bitmaps of every partition, written into the plan.

import { coreApicId } from "../../drivers/acpi/madt";
import { FatalReason, fatal, fatalWith } from "../boot/fatal";
import { moduleAddress, moduleSize } from "../boot/boot-information";
import {
  IO_BITMAP_PAGES, MSR_BITMAP_PAGES, denyAllPorts, grantPorts, grantTscAux, grantX2ApicRegisters, hasRdtscp, initialiseMsrBitmap, initialiseRegion,
} from "../cpu/backend";
import { secondLevelLargePages } from "../cpu/vmx/large-pages";
import { EptRight, createEpt, mapEpt } from "../memory/ept";
import { allocate, allocateLarge } from "../memory/frames";
import { MONITOR_MEMORY_PAGES, PAGE_SIZE } from "../memory/layout";
import { MapStatus } from "../memory/paging";
import { copy } from "../memory/physical";
import { SealStatus, checkEpt, sealFailureAddress } from "../memory/seal";
import { Image } from "../../monitor/imports";
import { ImageKind, LOW_MEMORY_LIMIT, MAXIMUM_ROM, ROM_GRANULE } from "../../monitor/interface";
import { BARS, PlanFunction, barAddress, barIsIo, barSize, function32, functionCount } from "./plan-functions";
import * as policy from "../policy/reader";
import { describeMemory, grantAt, grantList } from "./memory-map";
import { PlanPartition, field64, imageAddress, imageLength, placeVcpu, setField64, setImage, setVcpuControl } from "./plan";

/** Frames of core 0's choosing, zeroed. */
export function allocateOrStop(pages: u32): u64 {
  const frames = allocate(pages, 1);
  if (frames == 0) fatal(FatalReason.OutOfFrames);
  return frames;
}

/** Gives partition `partition` all it needs, but for what lies in its cores' tables. */
export function setUpPartition(partition: u32): void {
  setModule(partition, Image.Kernel, policy.partitionKernelModule(partition));
  if (policy.partitionImageKind(partition) == ImageKind.Firmware) setUpRom(partition);
  setUpMemory(partition);
  for (let vcpu: u32 = 0; vcpu < policy.partitionVcpuCount(partition); vcpu++) setUpVcpu(partition, vcpu);
  setUpBitmaps(partition);
  setField64(partition, PlanPartition.Monitor, allocateOrStop(MONITOR_MEMORY_PAGES + 1));
  setField64(partition, PlanPartition.Status, allocateOrStop(1));
  if (policy.partitionHasRamDisk(partition)) setModule(partition, Image.InitialRamDisk, policy.partitionRamDiskModule(partition));
  if (policy.partitionHasDisk(partition)) setModule(partition, Image.Disk, policy.partitionDiskModule(partition));
  setImage(partition, Image.CommandLine, policy.partitionCommandLine(partition), policy.partitionCommandLineLength(partition));
}

/** Frames of its own, written here once: no core and no guest can write them, and no cache line is another partition's. */
function setUpRom(partition: u32): void {
  const size = imageLength(partition, Image.Kernel);
  if (size == 0 || size > MAXIMUM_ROM || size % ROM_GRANULE != 0) return; // its monitor says so when it starts
  const base = allocateOrStop(<u32>(size / PAGE_SIZE));
  copy(base, imageAddress(partition, Image.Kernel), size);
  setField64(partition, PlanPartition.RomBase, base);
  setField64(partition, PlanPartition.RomSize, size);
}

function setModule(partition: u32, image: u32, module: u32): void {
  setImage(partition, image, moduleAddress(module), moduleSize(module));
}

function setUpMemory(partition: u32): void {
  const size = policy.partitionMemory(partition);
  const base = allocateLarge(size);
  if (base == 0) fatalWith(FatalReason.OutOfFrames, "bytes wanted for a partition", size);
  setField64(partition, PlanPartition.MemoryBase, base);
  setField64(partition, PlanPartition.LowMemory, min(size, LOW_MEMORY_LIMIT));
  setField64(partition, PlanPartition.HighMemory, size - min(size, LOW_MEMORY_LIMIT));
  setField64(partition, PlanPartition.ApicAccessPage, allocateOrStop(1));
  setField64(partition, PlanPartition.EptRoot, buildEpt(partition, false));
  setField64(partition, PlanPartition.ApicEptRoot, buildEpt(partition, true));
}

/** EPT of a partition, with the APIC-access page or without. */
function buildEpt(partition: u32, withApicPage: bool): u64 {
  const root = createEpt();
  if (root == 0) fatal(FatalReason.OutOfFrames);
  const count = describeMemory(partition, withApicPage);
  for (let i: u32 = 0; i < count; i++) {
    const grant = grantAt(i);
    const rights = <u32>grant.attributes & EptRight.All;
    const memoryType = <u32>(grant.attributes >> 3);
    const status = mapEpt(root, grant.gpa, grant.hpa, grant.length, rights, memoryType, secondLevelLargePages());
    if (status != MapStatus.Done) fatalWith(FatalReason.EptTables, "status", status);
  }
  return root;
}

function setUpVcpu(partition: u32, vcpu: u32): void {
  const core = policy.partitionCore(partition, vcpu);
  placeVcpu(partition, vcpu, core, coreApicId(core));
  const control = allocateOrStop(1);
  initialiseRegion(control);
  setVcpuControl(partition, vcpu, control);
}

/** All vCPUs of a partition share them. */
function setUpBitmaps(partition: u32): void {
  const ioBitmaps = allocateOrStop(IO_BITMAP_PAGES);
  denyAllPorts(ioBitmaps);
  grantFunctionPorts(partition, ioBitmaps);
  setField64(partition, PlanPartition.IoBitmaps, ioBitmaps);
  setField64(partition, PlanPartition.MsrBitmap, buildMsrBitmap());
  const x2ApicBitmap = buildMsrBitmap();
  grantX2ApicRegisters(x2ApicBitmap);
  setField64(partition, PlanPartition.X2ApicMsrBitmap, x2ApicBitmap);
}

function buildMsrBitmap(): u64 {
  const bitmap = allocateOrStop(MSR_BITMAP_PAGES);
  initialiseMsrBitmap(bitmap);
  if (hasRdtscp()) grantTscAux(bitmap);
  return bitmap;
}

/** The ports of the PCI functions that the partition owns are reached without an exit. */
function grantFunctionPorts(partition: u32, ioBitmaps: u64): void {
  for (let record: u32 = 0; record < functionCount(); record++) {
    if (function32(record, PlanFunction.Partition) != partition) continue;
    for (let bar: u32 = 0; bar < BARS; bar++) {
      if (barIsIo(record, bar)) grantPorts(ioBitmaps, <u32>barAddress(record, bar), <u32>barSize(record, bar));
    }
  }
}

/** The seal: an independent walker finds in the partition's EPTs its own memory and nothing else. */
export function sealPartition(partition: u32): void {
  sealEpt(partition, PlanPartition.EptRoot, false);
  sealEpt(partition, PlanPartition.ApicEptRoot, true);
}

function sealEpt(partition: u32, root: PlanPartition, withApicPage: bool): void {
  const count = describeMemory(partition, withApicPage);
  const status = checkEpt(field64(partition, root), grantList(), count);
  if (status != SealStatus.Good) fatalWith(FatalReason.SealEpt, "guest-physical address", sealFailureAddress());
}
