// Frames and EPTs of every partition, written into the plan. What the frames hold at first, but for the EPTs, the seal writes (kernel/seal/frames.ts).

import { FatalReason, fatal, fatalWith } from "../../kernel/boot/fatal";
import { IO_BITMAP_PAGES, MSR_BITMAP_PAGES } from "../../kernel/cpu/backend";
import { secondLevelLargePages } from "../cpu/large-pages";
import { EptRight, createEpt, mapEpt } from "../memory/ept";
import { allocate, allocateLarge, allocateUncleared } from "../memory/frames";
import { MONITOR_MEMORY_PAGES, PAGE_SIZE } from "../../kernel/memory/layout";
import { MapStatus } from "../memory/page-tree";
import * as policy from "../../kernel/policy/reader";
import { grantAt, grantCount } from "../../kernel/seal/grants";
import { describeMemory } from "../../kernel/seal/partition-map";
import { PlanPartition, field64, partitionMemorySize, setField64 } from "../../kernel/partition/plan";
import { setVcpuControl } from "./plan-writer";

/** Frames of the planner's choosing, zeroed. */
export function allocateOrStop(pages: u32): u64 { return orStop(allocate(pages, 1)); }

/** The same, for frames that the kernel clears. */
export function chooseOrStop(pages: u32): u64 { return orStop(allocateUncleared(pages)); }

function orStop(frames: u64): u64 {
  if (frames == 0) fatal(FatalReason.OutOfFrames);
  return frames;
}

/** Gives partition `partition`, which the plan describes, all it needs, but for what lies in its cores' tables. */
export function setUpPartition(partition: u32): void {
  const rom = field64(partition, PlanPartition.RomSize);
  if (rom != 0) setField64(partition, PlanPartition.RomBase, chooseOrStop(<u32>(rom / PAGE_SIZE)));
  setUpMemory(partition);
  for (let vcpu: u32 = 0; vcpu < policy.partitionVcpuCount(partition); vcpu++) setVcpuControl(partition, vcpu, chooseOrStop(1));
  setField64(partition, PlanPartition.IoBitmaps, chooseOrStop(IO_BITMAP_PAGES));
  setField64(partition, PlanPartition.MsrBitmap, chooseOrStop(MSR_BITMAP_PAGES));
  setField64(partition, PlanPartition.X2ApicMsrBitmap, chooseOrStop(MSR_BITMAP_PAGES));
  setField64(partition, PlanPartition.Monitor, chooseOrStop(MONITOR_MEMORY_PAGES + 1));
  setField64(partition, PlanPartition.Status, chooseOrStop(1));
}

function setUpMemory(partition: u32): void {
  const size = partitionMemorySize(partition);
  const base = allocateLarge(size);
  if (base == 0) fatalWith(FatalReason.OutOfFrames, "bytes wanted for a partition", size);
  setField64(partition, PlanPartition.MemoryBase, base);
  setField64(partition, PlanPartition.ApicAccessPage, chooseOrStop(1));
  setField64(partition, PlanPartition.EptRoot, buildEpt(partition, false));
  setField64(partition, PlanPartition.ApicEptRoot, buildEpt(partition, true));
}

/** EPT of a partition, with the APIC-access page or without. */
function buildEpt(partition: u32, withApicPage: bool): u64 {
  const root = createEpt();
  if (root == 0) fatal(FatalReason.OutOfFrames);
  describeMemory(partition, withApicPage);
  for (let i: u32 = 0; i < grantCount(); i++) {
    const grant = grantAt(i);
    const rights = <u32>grant.attributes & EptRight.All;
    const memoryType = <u32>(grant.attributes >> 3);
    const status = mapEpt(root, grant.from, grant.to, grant.length, rights, memoryType, secondLevelLargePages());
    if (status != MapStatus.Done) fatalWith(FatalReason.EptTables, "status", status);
  }
  return root;
}
