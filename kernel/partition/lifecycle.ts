// Start, restart and end of this core's partition.

import { Text, printText } from "../boot/symbols";
import { print, printDecimal, printHex, printLine } from "../console/print";
import * as backend from "../cpu/backend";
import { forgetBranches, guardsEntries } from "../cpu/mitigations";
import { rdtsc } from "../cpu/processor";
import { PAGE_SIZE } from "../memory/layout";
import * as phys from "../memory/physical";
import { BOOT_GDT_LIMIT, EntryMode, EntryState, LoadStatus, MAXIMUM_VCPUS, Mailbox, VIRTUAL_APIC_BASE, VirtualApicMode } from "../../monitor/interface";
import { HealthAction } from "../policy/layout";
import { onFault, partitionDevices, partitionDiskFlags, partitionImageKind, partitionVcpuCount, restartLimit } from "../policy/reader";
import { Attention, attend, attention, settled } from "./attention";
import { usedApicFeatures } from "./apic-virtualisation";
import { auditFault } from "./audit";
import { buildCpuidTable, describeProcessor } from "./cpuid";
import { currentPartition, currentVcpu, printPartitionName } from "./current";
import { requestAttachment } from "./device-violations";
import { attachFunctions, handOverFunctions, hasFunctions, resetFunctions, takeBackFunctions } from "./functions";
import { attachMemory } from "./memory-grant";
import * as monitor from "./monitor";
import { PlanHeader, PlanPartition, field64, header64, imageAddress, imageLength, vcpuControl } from "./plan";
import { park } from "./park";
import { printCores } from "./core-list";
import { kickOthers } from "./kick";
import { awaitOthers, awaitRelease, releaseOthers, rest } from "./rendezvous";
import {
  PartitionState, VcpuState, clearWish, proposeWish, publishExits, publishStop, restarts, setRestarts, setState, setVcpuState, takeWish,
} from "./status-page";
import { awaitStartUp } from "./vcpu-start";
import { resetTsc } from "./virtual-tsc";

/** Why a partition stands still. Numbers are printed and never reused. Texts: kernel/texts.json. */
export const enum StopReason {
  PoweredOff = 1,
  TripleFault = 2,
  EntryFailure = 3,
  MonitorFault = 4,
  Violation = 5,
  Halted = 6,
  LoadFailed = 7,
  TooManyRestarts = 8,
  DeviceViolation = 9,
  DeviceReset = 10,
  CoreSilent = 11,
}

/** A wish in the status page: an intent and, shifted, why. */
const enum Intent { Restart = 1, Stop = 2 }
const REASON_SHIFT: u32 = 8;
const INTENT_MASK: u32 = (1 << REASON_SHIFT) - 1;
/** Kernel, initial RAM disk, command line, disk. */
const IMAGES: u32 = 4;
const RESTART_LIMIT_NONE: u32 = u32.MAX_VALUE;

const frames: backend.VcpuFrames = changetype<backend.VcpuFrames>(memory.data(72, 8));

/** Whether the handler of this exit asked for something else than to go on. */
// @ts-ignore: decorator
@inline
export function hasIntent(): bool { return (attention() & Attention.Intent) != 0; }

/** For the partition as a whole; false if a wish that came before is the one that counts. */
function wishFor(intent: Intent, reason: u32): bool {
  attend(Attention.Intent);
  const isFirst = proposeWish(currentPartition(), <u32>intent | (reason << REASON_SHIFT));
  if (isFirst) kickOthers();
  return isFirst;
}

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

function configureMonitor(partition: u32): void {
  monitor.instantiate();
  const low = field64(partition, PlanPartition.LowMemory);
  const high = field64(partition, PlanPartition.HighMemory);
  monitor.setGrant(monitor.Grant.MemoryBase, field64(partition, PlanPartition.MemoryBase));
  monitor.setGrant(monitor.Grant.LowMemory, low);
  monitor.setGrant(monitor.Grant.HighMemory, high);
  for (let image: u32 = 0; image < IMAGES; image++) {
    monitor.setGrant(monitor.Grant.Images + image * 2, imageAddress(partition, image));
    monitor.setGrant(monitor.Grant.Images + image * 2 + 1, imageLength(partition, image));
  }
  monitor.setGrant(monitor.Grant.RomBase, field64(partition, PlanPartition.RomBase));
  monitor.setGrant(monitor.Grant.RomSize, field64(partition, PlanPartition.RomSize));
  monitor.poke32(Mailbox.VcpuCount, partitionVcpuCount(partition));
  monitor.poke32(Mailbox.ApicFeatures, usedApicFeatures());
  monitor.poke32(Mailbox.Devices, partitionDevices(partition));
  monitor.poke32(Mailbox.DiskFlags, partitionDiskFlags(partition));
  monitor.poke32(Mailbox.ImageKind, partitionImageKind(partition));
  describeProcessor();
  monitor.poke64(Mailbox.TscFrequency, header64(PlanHeader.TscFrequency));
  monitor.poke64(Mailbox.LowMemory, low);
  monitor.poke64(Mailbox.HighMemory, high);
  const elapsed = (rdtsc() - header64(PlanHeader.WallClockTsc)) / header64(PlanHeader.TscFrequency);
  monitor.poke64(Mailbox.WallClock, header64(PlanHeader.WallClock) + elapsed);
  handOverFunctions();
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

/** Asks for the end of the partition at the next entry. */
export function stopPartition(reason: StopReason): void {
  wishFor(Intent.Stop, reason);
}

/** The guest reset its machine, which is its right: no limit. */
export function resetPartition(): void {
  restartUnless(RESTART_LIMIT_NONE);
}

function restartUnless(limit: u32): void {
  const count = restarts(currentPartition());
  if (count >= limit) return stopPartition(StopReason.TooManyRestarts);
  if (wishFor(Intent.Restart, 0)) setRestarts(currentPartition(), count + 1);
}

/** The partition failed: its policy restarts or stops it. */
export function partitionFault(reason: StopReason): void {
  auditFault(reason);
  applyHealthAction(onFault(currentPartition()), reason);
}

/** Restarts or stops the partition. */
export function applyHealthAction(action: HealthAction, reason: StopReason): void {
  print("partition ");
  printPartitionName(currentPartition());
  print(": ");
  printText(Text.StopReason, reason);
  printLine();
  if (action == HealthAction.Restart) restartUnless(restartLimit(currentPartition()));
  else stopPartition(reason);
}

export function onMonitorFault(): void {
  print("monitor fault at ");
  printHex(monitor.faultAddress(), 16);
  printLine();
  partitionFault(StopReason.MonitorFault);
}

/** Carries out what a vCPU asked for. Returns once this one is to be launched anew; a stopped partition's core parks. */
export function carryOutIntent(): void {
  if (currentVcpu() != 0) return joinAgain();
  if (!awaitOthers()) endSilently();
  const wanted = takeWish(currentPartition());
  if (wanted == 0) park(); // another core has ended the partition
  if ((wanted & INTENT_MASK) == <u32>Intent.Stop) return end(wanted >> REASON_SHIFT);
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
