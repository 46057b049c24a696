// The frames that the planner chose, one use each: what the kernel starts from in them it writes itself.

import { Image } from "../../monitor/imports";
import { ImageSymbol, imageAddress } from "../boot/stub";
import {
  IO_BITMAP_PAGES, MSR_BITMAP_PAGES, denyAllPorts, grantPorts, grantTscAux, grantX2ApicRegisters, hasRdtscp, initialiseMsrBitmap, initialiseRegion,
} from "../cpu/backend";
import { CoreData, CorePage, Fixed, KERNEL_MEMORY_PAGES, MONITOR_MEMORY_PAGES, PAGE_SIZE } from "../memory/layout";
import { clear, copy, store32, store64 } from "../memory/physical";
import * as plan from "../partition/plan";
import { PlanPartition, field64 } from "../partition/plan";
import { PlanCore, core64, setCore64 } from "../partition/plan-machine";
import { BARS, PlanFunction, barAddress, barIsIo, barSize, function32, functionCount } from "../partition/plan-functions";
import { partitionVcpuCount } from "../policy/reader";
import { claimFrames, claimPorts } from "./claims";

/** Claims frames and clears them. */
function take(frames: u64, pages: u64): u64 {
  claimFrames(frames, pages);
  clear(frames, pages * PAGE_SIZE);
  return frames;
}

function takeFor(partition: u32, field: PlanPartition, pages: u64): u64 { return take(field64(partition, field), pages); }

/** Core 0 goes on in its frames of the image; the others find their number and the plan in theirs. */
export function prepareCore(core: u32): void {
  initialiseRegion(take(plan.coreRegion(core), 1));
  if (core == 0) {
    setCore64(0, PlanCore.Block, imageAddress(ImageSymbol.BootCoreBlock));
    return setCore64(0, PlanCore.KernelMemory, imageAddress(ImageSymbol.BootKernelMemory));
  }
  const block = take(core64(core, PlanCore.Block), CorePage.Count);
  store32(block + <u64>CorePage.CoreData * PAGE_SIZE + <u64>CoreData.CoreId, core);
  const kernelMemory = take(core64(core, PlanCore.KernelMemory), KERNEL_MEMORY_PAGES + 1);
  store64(kernelMemory + PAGE_SIZE + <u64>Fixed.Plan, plan.planAddress());
}

/** Its memory is cleared when it starts, its monitor's when that is instantiated. */
export function preparePartition(partition: u32): void {
  claimFrames(field64(partition, PlanPartition.MemoryBase), plan.partitionMemorySize(partition) / PAGE_SIZE);
  claimFrames(field64(partition, PlanPartition.Monitor), MONITOR_MEMORY_PAGES + 1);
  takeFor(partition, PlanPartition.Status, 1);
  takeFor(partition, PlanPartition.ApicAccessPage, 1);
  for (let vcpu: u32 = 0; vcpu < partitionVcpuCount(partition); vcpu++) initialiseRegion(take(plan.vcpuControl(partition, vcpu), 1));
  prepareRom(partition);
  const ioBitmaps = takeFor(partition, PlanPartition.IoBitmaps, IO_BITMAP_PAGES);
  denyAllPorts(ioBitmaps);
  grantFunctionPorts(partition, ioBitmaps);
  prepareMsrBitmap(takeFor(partition, PlanPartition.MsrBitmap, MSR_BITMAP_PAGES));
  const x2ApicBitmap = takeFor(partition, PlanPartition.X2ApicMsrBitmap, MSR_BITMAP_PAGES);
  prepareMsrBitmap(x2ApicBitmap);
  grantX2ApicRegisters(x2ApicBitmap);
}

/** Frames of its own, written here once: no core and no guest can write them, and no cache line is another partition's. */
function prepareRom(partition: u32): void {
  const size = field64(partition, PlanPartition.RomSize);
  if (size == 0) return;
  claimFrames(field64(partition, PlanPartition.RomBase), size / PAGE_SIZE);
  copy(field64(partition, PlanPartition.RomBase), plan.imageAddress(partition, Image.Kernel), size);
}

function prepareMsrBitmap(bitmap: u64): void {
  initialiseMsrBitmap(bitmap);
  if (hasRdtscp()) grantTscAux(bitmap);
}

/** The ports of the PCI functions that the partition owns are reached without an exit. */
function grantFunctionPorts(partition: u32, ioBitmaps: u64): void {
  for (let record: u32 = 0; record < functionCount(); record++) {
    if (function32(record, PlanFunction.Partition) != partition) continue;
    for (let bar: u32 = 0; bar < BARS; bar++) {
      if (barIsIo(record, bar)) grantBarPorts(ioBitmaps, barAddress(record, bar), barSize(record, bar));
    }
  }
}

function grantBarPorts(ioBitmaps: u64, first: u64, count: u64): void {
  claimPorts(first, count);
  grantPorts(ioBitmaps, <u32>first, <u32>count);
}
