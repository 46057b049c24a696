// All that a core's tables map: the kernel's code and data, its own stacks and linear memories, and what it reaches through phys.

import { ImageSymbol, imageAddress } from "../boot/stub";
import { ringPages } from "../console/ring-layout";
import { addDirectRange } from "../memory/direct-ranges";
import {
  CONSOLE_MEMORY, CONSOLE_MEMORY_PAGES, CORE_BASE, CorePage, IMAGE_BASE, KERNEL_MEMORY, KERNEL_MEMORY_PAGES, MONITOR_MEMORY, MONITOR_MEMORY_PAGES, PAGE_SIZE,
} from "../memory/layout";
import { Mapping, leafBits } from "../memory/paging";
import { Image } from "../../monitor/imports";
import { partitionCount, partitionDiskModule, partitionMayWriteModule } from "../policy/reader";
import { addFunctionRanges } from "../assignment/function-ranges";
import { addRemappingRanges } from "../assignment/remapping-ranges";
import { registersAddress, usesMsrs } from "../../drivers/local-apic";
import * as plan from "../partition/plan";
import { PlanHeader, PlanPartition, field64, header32, header64, partitionMemorySize } from "../partition/plan";
import { PlanCore, core64 } from "../partition/plan-machine";
import { addGrant, clearGrants } from "./grants";

/** Fills the list for a core. */
export function describeCore(core: u32): void {
  clearGrants();
  addImage();
  addCoreBlock(core64(core, PlanCore.Block));
  addInstance(KERNEL_MEMORY, core64(core, PlanCore.KernelMemory), KERNEL_MEMORY_PAGES);
  addSharedRanges(core);
  const partition = plan.partitionOfCore(core);
  if (partition != plan.NO_PARTITION) addPartitionRanges(partition);
  if (core != 0) return;
  addInstance(CONSOLE_MEMORY, imageAddress(ImageSymbol.BootConsoleMemory), CONSOLE_MEMORY_PAGES);
  addStatusPages(partition);
  addRemappingRanges();
  // Cached as far as the page tables go: the firmware's MTRRs make it UC or WC, SDM 3A table 12-7.
  addDirectRange(header64(PlanHeader.ScreenAddress), header64(PlanHeader.ScreenLength), Mapping.Writable);
}

/** Data too is read only: the floor writes it before the seal. The trap report reads what follows an UD2, and the names of functions, through phys. */
function addImage(): void {
  addSection(ImageSymbol.TextStart, ImageSymbol.TextEnd, Mapping.Executable);
  addSection(ImageSymbol.RodataStart, ImageSymbol.RodataEnd, Mapping.ReadOnly);
  addSection(ImageSymbol.DataStart, ImageSymbol.DataEnd, Mapping.ReadOnly);
  addDirectRange(imageAddress(ImageSymbol.TextStart), imageAddress(ImageSymbol.RodataEnd) - imageAddress(ImageSymbol.TextStart), Mapping.ReadOnly);
}

function addSection(start: ImageSymbol, end: ImageSymbol, mapping: u32): void {
  const base = imageAddress(start);
  addGrant(IMAGE_BASE + base, base, imageAddress(end) - base, leafBits(mapping));
}

/** Stacks and core data; the guards between are left out. */
function addCoreBlock(block: u64): void {
  addCorePages(block, CorePage.MainStack, CorePage.MainStackEnd);
  addCorePages(block, CorePage.NmiStack, CorePage.NmiStackEnd);
  addCorePages(block, CorePage.DoubleFaultStack, CorePage.DoubleFaultStackEnd);
  addCorePages(block, CorePage.MachineCheckStack, CorePage.MachineCheckStackEnd);
  addCorePages(block, CorePage.CoreData, CorePage.Count);
}

function addCorePages(block: u64, first: u64, end: u64): void {
  addGrant(CORE_BASE + first * PAGE_SIZE, block + first * PAGE_SIZE, (end - first) * PAGE_SIZE, leafBits(Mapping.Writable));
}

/** A wasm instance: its instance page lies just below its linear memory, whose guard is left unmapped. */
function addInstance(linearMemory: u64, physical: u64, pages: u64): void {
  addGrant(linearMemory - PAGE_SIZE, physical, (pages + 1) * PAGE_SIZE, leafBits(Mapping.Writable));
}

function addSharedRanges(core: u32): void {
  addDirectRange(plan.planAddress(), <u64>plan.PLAN_PAGES * PAGE_SIZE, Mapping.ReadOnly);
  addDirectRange(header64(PlanHeader.Policy), header64(PlanHeader.PolicySize), Mapping.ReadOnly);
  addDirectRange(header64(PlanHeader.Rings), <u64>ringPages(header32(PlanHeader.CoreCount)) * PAGE_SIZE, Mapping.Writable);
  addDirectRange(header64(PlanHeader.DeviceReports), PAGE_SIZE, core == 0 ? Mapping.Writable : Mapping.ReadOnly);
  if (!usesMsrs()) addDirectRange(registersAddress(), PAGE_SIZE, Mapping.Writable | Mapping.Uncached);
}

function addPartitionRanges(partition: u32): void {
  addInstance(MONITOR_MEMORY, field64(partition, PlanPartition.Monitor), MONITOR_MEMORY_PAGES);
  addDirectRange(field64(partition, PlanPartition.MemoryBase), partitionMemorySize(partition), Mapping.Writable);
  addDirectRange(field64(partition, PlanPartition.Status), PAGE_SIZE, Mapping.Writable);
  // The command line lies in the policy. What the partition writes to its disk stays in the module; nothing else of what the loader gave is ever written.
  addImageRange(partition, Image.Kernel, Mapping.ReadOnly);
  addImageRange(partition, Image.InitialRamDisk, Mapping.ReadOnly);
  addImageRange(partition, Image.Disk, partitionMayWriteModule(partition, partitionDiskModule(partition)) ? Mapping.Writable : Mapping.ReadOnly);
  addDirectRange(field64(partition, PlanPartition.RomBase), field64(partition, PlanPartition.RomSize), Mapping.ReadOnly);
  addFunctionRanges(partition);
}

function addImageRange(partition: u32, image: u32, mapping: u32): void {
  addDirectRange(plan.imageAddress(partition, image), plan.imageLength(partition, image), mapping);
}

/** Core 0 reads what the other partitions' cores report. */
function addStatusPages(own: u32): void {
  for (let partition: u32 = 0; partition < partitionCount(); partition++) {
    if (partition != own) addDirectRange(field64(partition, PlanPartition.Status), PAGE_SIZE, Mapping.ReadOnly);
  }
}
