// Core 0: frames, EPT and bitmaps of every partition, written into the plan.

import { FatalReason, fatal, fatalWith } from "../boot/fatal";
import { moduleAddress, moduleSize } from "../boot/multiboot2";
import {
  IO_BITMAP_PAGES, MSR_BITMAP_PAGES, denyAllPorts, grantTscAux, hasRdtscp, initialiseMsrBitmap, initialiseRegion, secondLevelLargePages,
} from "../cpu/backend";
import { EptMemoryType, EptRight, createEpt, mapEpt } from "../memory/ept";
import { allocate, allocateLarge } from "../memory/frames";
import { MONITOR_MEMORY_PAGES } from "../memory/layout";
import { MapStatus } from "../memory/paging";
import { Grant, GRANT_SIZE, SealStatus, checkEpt, sealFailureAddress } from "../memory/seal";
import { Image } from "../../monitor/imports";
import { HIGH_MEMORY_BASE, LOW_MEMORY_LIMIT } from "../../monitor/interface";
import * as policy from "../policy/reader";
import { PlanPartition, field64, setField64, setImage, setPartitionOfCore } from "./plan";

/** An EPT leaf of a partition's memory: read, write, execute, write-back (SDM 3C table 29-6). */
const LEAF_ATTRIBUTES: u64 = <u64>EptRight.All | (<u64>EptMemoryType.WriteBack << 3);

const grants: usize = memory.data(64, 8); // two Grant records

/** Frames of core 0's choosing, zeroed. */
export function allocateOrStop(pages: u32): u64 {
  const frames = allocate(pages, 1);
  if (frames == 0) fatal(FatalReason.OutOfFrames);
  return frames;
}

/** Gives partition `partition` all it needs, but for what lies in its core's tables. */
export function setUpPartition(partition: u32): void {
  setPartitionOfCore(policy.partitionCore(partition), partition);
  setUpMemory(partition);
  setUpVcpu(partition);
  setField64(partition, PlanPartition.Monitor, allocateOrStop(MONITOR_MEMORY_PAGES + 1));
  setField64(partition, PlanPartition.Status, allocateOrStop(1));
  setModule(partition, Image.Kernel, policy.partitionKernelModule(partition));
  if (policy.partitionHasRamDisk(partition)) setModule(partition, Image.InitialRamDisk, policy.partitionRamDiskModule(partition));
  setImage(partition, Image.CommandLine, policy.partitionCommandLine(partition), policy.partitionCommandLineLength(partition));
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
  const root = createEpt();
  if (root == 0) fatal(FatalReason.OutOfFrames);
  setField64(partition, PlanPartition.EptRoot, root);
  const count = describeGrants(partition);
  for (let i: u32 = 0; i < count; i++) {
    const grant = changetype<Grant>(grants + <usize>i * GRANT_SIZE);
    const status = mapEpt(root, grant.gpa, grant.hpa, grant.length, EptRight.All, EptMemoryType.WriteBack, secondLevelLargePages());
    if (status != MapStatus.Done) fatalWith(FatalReason.EptTables, "status", status);
  }
}

/** Memory below LOW_MEMORY_LIMIT at GPA 0, the rest from 4 GiB; returns the number of records. */
function describeGrants(partition: u32): u32 {
  const base = field64(partition, PlanPartition.MemoryBase);
  const low = field64(partition, PlanPartition.LowMemory);
  const high = field64(partition, PlanPartition.HighMemory);
  writeGrant(0, 0, base, low);
  if (high == 0) return 1;
  writeGrant(1, HIGH_MEMORY_BASE, base + low, high);
  return 2;
}

function writeGrant(index: u32, gpa: u64, hpa: u64, length: u64): void {
  const grant = changetype<Grant>(grants + <usize>index * GRANT_SIZE);
  grant.gpa = gpa;
  grant.hpa = hpa;
  grant.length = length;
  grant.attributes = LEAF_ATTRIBUTES;
}

function setUpVcpu(partition: u32): void {
  const control = allocateOrStop(1);
  initialiseRegion(control);
  setField64(partition, PlanPartition.VcpuControl, control);
  const ioBitmaps = allocateOrStop(IO_BITMAP_PAGES);
  denyAllPorts(ioBitmaps);
  setField64(partition, PlanPartition.IoBitmaps, ioBitmaps);
  const msrBitmap = allocateOrStop(MSR_BITMAP_PAGES);
  initialiseMsrBitmap(msrBitmap);
  if (hasRdtscp()) grantTscAux(msrBitmap);
  setField64(partition, PlanPartition.MsrBitmap, msrBitmap);
}

/** The seal: an independent walker finds in the partition's EPT its own memory and nothing else. */
export function sealPartition(partition: u32): void {
  const count = describeGrants(partition);
  const status = checkEpt(field64(partition, PlanPartition.EptRoot), grants, count);
  if (status != SealStatus.Good) fatalWith(FatalReason.SealEpt, "guest-physical address", sealFailureAddress());
}
