// Start, restart and end of this core's partition.

import { Text, printText } from "../boot/symbols";
import { print, printDecimal, printHex, printLine } from "../console/print";
import * as backend from "../cpu/backend";
import { forgetBranches, guardsEntries } from "../cpu/mitigations";
import { rdtsc } from "../cpu/processor";
import { PAGE_SIZE } from "../memory/layout";
import * as phys from "../memory/physical";
import { BOOT_GDT_LIMIT, EntryMode, EntryState, LoadStatus, MAXIMUM_VCPUS, Mailbox, VIRTUAL_APIC_BASE, VirtualApicMode } from "../../monitor/interface";
import { Attention, attend, settled } from "./attention";
import { auditFault } from "./audit";
import { printCores } from "./core-list";
import { buildCpuidTable } from "./cpuid";
import { currentPartition, currentVcpu, printPartitionName } from "./current";
import { requestAttachment } from "./device-violations";
import { attachFunctions, hasFunctions, resetFunctions, takeBackFunctions } from "./functions";
import { RESTART, StopReason, stopPartition } from "./intent";
import { kickOthers } from "./kick";
import { attachMemory } from "./memory-grant";
import * as monitor from "./monitor";
import { configureMonitor } from "./monitor-configuration";
import { park } from "./park";
import { PlanPartition, field64, vcpuControl } from "./plan";
import { awaitOthers, awaitRelease, releaseOthers, rest } from "./rendezvous";
import { PartitionState, VcpuState, clearWish, publishExits, publishStop, restarts, setRestarts, setState, setVcpuState, takeWish } from "./status-page";
import { awaitStartUp } from "./vcpu-start";
import { resetTsc } from "./virtual-tsc";

const frames: backend.VcpuFrames = changetype<backend.VcpuFrames>(memory.data(72, 8));

/** Loads the control structure of this core's vCPU; false if the processor refuses it. */
export function loadPartitionVcpu(): bool {
  const partition = currentPartition();
  attachMemory(partition);
  attachFunctions(partition);
  frames.control = vcpuControl(partition, currentVcpu());
  frames.ioBitmaps = field64(partition, PlanPartition.IoBitmaps);
  frames.msrBitmap = field64(partition, PlanPartition.MsrBitmap);
  frames.eptRoot = field64(partition, PlanPartition.EptRoot);
  frames.vpid = <u64>(partition * MAXIMUM_VCPUS + currentVcpu()) + 1;
  const monitorMemory = field64(partition, PlanPartition.Monitor) + PAGE_SIZE;
  frames.virtualApicPage = monitorMemory + VIRTUAL_APIC_BASE + <u64>currentVcpu() * PAGE_SIZE;
  frames.apicAccessPage = field64(partition, PlanPartition.ApicAccessPage);
  frames.apicEptRoot = field64(partition, PlanPartition.ApicEptRoot);
  frames.x2ApicMsrBitmap = field64(partition, PlanPartition.X2ApicMsrBitmap);
  return backend.loadVcpu(frames);
}

/** Has the processor virtualise the local APIC of this core's vCPU, or not. */
export function switchApicMode(mode: VirtualApicMode): void { backend.setApicMode(frames, mode); }

/** On the first vCPU's core, while the others rest: loads the image and sets the vCPU to its entry point; parks the core if that fails. */
export function startPartition(): void {
  const partition = currentPartition();
  // Before its memory is cleared, so that no DMA of the run before reaches the next one.
  if (!resetFunctions()) return end(StopReason.DeviceReset);
  if (hasFunctions() && restarts(partition) != 0) requestAttachment();
  const size = field64(partition, PlanPartition.LowMemory) + field64(partition, PlanPartition.HighMemory);
  phys.clear(field64(partition, PlanPartition.MemoryBase), size);
  configureMonitor(partition);
  const status = monitor.start();
  if (monitor.faulted()) return end(StopReason.MonitorFault);
  if (status != LoadStatus.Done) {
    print("partition ");
    printPartitionName(partition);
    print(": ");
    printText(Text.LoadStatus, status);
    if (status >= <u32>LoadStatus.FlagUnsupported && status <= <u32>LoadStatus.RequestUnsupported) printDetail();
    printLine();
    return end(StopReason.LoadFailed);
  }
  resetVcpu();
  setEntryState();
  setVcpuState(partition, 0, VcpuState.Running);
  setState(partition, PartitionState.Running);
  announce(partition);
  releaseOthers();
}

/** The number of what the status is about. */
function printDetail(): void {
  print(" ");
  printDecimal(monitor.peek32(Mailbox.LoadDetail));
}

/** What a vCPU has after power-up and no VM entry loads. */
function resetVcpu(): void {
  forgetBranches();
  attend(Attention.Record | (guardsEntries() ? Attention.Guarded : 0));
  resetTsc();
  buildCpuidTable();
  backend.powerUp();
  backend.flushTranslations(frames);
}

/** On the core of any other vCPU: waits until the partition has started, then for a SIPI. Returns once the vCPU is to be launched. */
export function joinPartition(): void {
  awaitRelease();
  if (!isReset() || !awaitStartUp()) joinAgain();
}

function joinAgain(): void { do rest(); while (!isReset() || !awaitStartUp()); }

function isReset(): bool {
  if (!backend.rewindLaunchState(frames)) {
    stopPartition(StopReason.EntryFailure);
    return false;
  }
  resetVcpu();
  return true;
}

/** This vCPU, another than the first, got an INIT. Returns once it is to be launched anew. */
export function startAnew(): void {
  if (!backend.rewindLaunchState(frames)) stopPartition(StopReason.EntryFailure);
  if (!awaitStartUp()) joinAgain();
}

function entryField(field: EntryState): u64 { return monitor.peek64(Mailbox.Entry + <u32>field); }

function setEntryState(): void {
  const rip = entryField(EntryState.Rip);
  const mode = entryField(EntryState.Mode);
  if (mode == EntryMode.Flat32) return backend.startFlat32(rip, entryField(EntryState.Rax), entryField(EntryState.Rbx));
  if (mode == EntryMode.Real) return backend.startReal(rip);
  if (mode == EntryMode.Reset) return backend.startReset();
  backend.startLong64(
    rip, entryField(EntryState.Rsp), entryField(EntryState.Rsi), entryField(EntryState.Cr3),
    entryField(EntryState.GdtBase), BOOT_GDT_LIMIT,
  );
}

function announce(partition: u32): void {
  print("partition ");
  printPartitionName(partition);
  print(" starts on ");
  printCores(partition);
  print(" with ");
  printDecimal((field64(partition, PlanPartition.LowMemory) + field64(partition, PlanPartition.HighMemory)) >> 20);
  print(" MiB at ");
  printHex(field64(partition, PlanPartition.MemoryBase), 12);
  print(", TSC ");
  printDecimal(rdtsc());
  printLine();
}

/** Carries out what a vCPU asked for. Returns once this one is to be launched anew; a stopped partition's core parks. */
export function carryOutIntent(): void {
  if (currentVcpu() != 0) return joinAgain();
  if (!awaitOthers()) endSilently();
  const wanted = takeWish(currentPartition());
  if (wanted == 0) park(); // another core has ended the partition
  if (wanted != RESTART) return end(wanted);
  setRestarts(currentPartition(), restarts(currentPartition()) + 1);
  clearWish(currentPartition());
  settled(Attention.Intent);
  print("partition ");
  printPartitionName(currentPartition());
  print(" restarts");
  printLine();
  if (!backend.rewindLaunchState(frames)) return end(StopReason.EntryFailure);
  startPartition();
}

/** A core of the partition answers no longer: whoever carries out what the partition wishes, and nobody else, ends it. */
export function endSilently(): void {
  if (takeWish(currentPartition()) == 0) return;
  auditFault(StopReason.CoreSilent);
  end(StopReason.CoreSilent);
}

function end(reason: u32): void {
  takeBackFunctions();
  print("partition ");
  printPartitionName(currentPartition());
  print(" stopped: ");
  printText(Text.StopReason, reason);
  printLine();
  publishExits(currentPartition());
  publishStop(currentPartition(), reason);
  kickOthers();
  park();
}
