// Guest-physical addresses that the partition's EPT does not map: its virtual devices, or a violation.

import {
  AccessStatus, Device, FIRMWARE_WINDOW_BASE, IO_APIC_BASE, LOCAL_APIC_BASE, LOCAL_APIC_PAGE, PCI_WINDOW_BASE, PCI_WINDOW_END, ROM_END,
  SEGMENT_ACCESS, TEST_MEMORY_BASE, TEST_MEMORY_SIZE, VcpuMailbox,
} from "../../../monitor/interface";
import {
  injectGeneralProtectionDuringDelivery, instructionPointer, wasDeliveringDoubleFault,
} from "../../cpu/backend";
import { HealthAction } from "../../policy/layout";
import { onMemoryViolation, partitionHasDisk } from "../../policy/reader";
import { MemoryAccess, auditMemory } from "../audit";
import { currentPartition, currentVcpu, hasDevice, hasFirmware, vcpuRecord } from "../current";
import { hasFunctions } from "../functions";
import { lendFrame, lendTask, raiseGuestFault, takeBackFrame, takeBackSegments } from "../frame";
import { StopReason, applyHealthAction, partitionFault } from "../intent";
import { faulted, memoryAccess, peek64, taskSwitch } from "../monitor";
import { settleMonitorCall } from "../monitor-call";
import { lastStatus } from "../access-status";

const PAGE_MASK: u64 = 0xfff;
const ACCESS_WRITE: u64 = 1 << 1;
const ACCESS_FETCH: u64 = 1 << 2;
const LINEAR_ADDRESS_VALID: u64 = 1 << 7;
/** With a valid linear address: the access was to what it means, and not to the guest's page tables on the way. */
const ADDRESS_TRANSLATED: u64 = 1 << 8;

/** `qualification`: SDM 3C table 28-7; `delivering`: the access was part of an event's delivery. */
export function onMemoryAccess(gpa: u64, qualification: u64, delivering: bool): void {
  const isWrite = (qualification & ACCESS_WRITE) != 0;
  const isFetch = (qualification & ACCESS_FETCH) != 0;
  // What the instruction itself does can be carried out in its place; what the processor does for it cannot.
  const isOwnAccess = !isFetch && !delivering && !isPageWalk(qualification);
  if (isOwnAccess && isDevice(gpa) && carryOut(gpa, isWrite)) return;
  onViolation(gpa, isWrite, isFetch, isOwnAccess);
}

/**
 * An access to the page of a virtualised local APIC, `offset` bytes into it. `implied`: by the processor for the instruction,
 * such as an event's delivery or a walk of the guest's page tables.
 */
export function onApicPageAccess(offset: u32, isWrite: bool, isFetch: bool, implied: bool): void {
  const gpa = LOCAL_APIC_BASE + offset;
  const isOwnAccess = !isFetch && !implied;
  if (isOwnAccess && carryOut(gpa, isWrite)) return;
  onViolation(gpa, isWrite, isFetch, isOwnAccess);
}

/** Whether the processor looked for an entry of the guest's page tables there. */
function isPageWalk(qualification: u64): bool {
  return (qualification & (LINEAR_ADDRESS_VALID | ADDRESS_TRANSLATED)) == LINEAR_ADDRESS_VALID;
}

function isDevice(gpa: u64): bool {
  const page = gpa & ~PAGE_MASK;
  if (page == LOCAL_APIC_BASE || page == movedLocalApic()) return hasDevice(Device.LocalApic);
  if (page == IO_APIC_BASE) return hasDevice(Device.IoApic);
  if (gpa >= TEST_MEMORY_BASE && gpa < TEST_MEMORY_BASE + TEST_MEMORY_SIZE && hasDevice(Device.Test)) return true;
  // Firmware places memory BARs itself, looks for chips that are not there, and tries whether its ROM can be written.
  if (hasFirmware()) return gpa >= FIRMWARE_WINDOW_BASE && gpa < ROM_END;
  if (partitionHasDisk(currentPartition())) return gpa >= PCI_WINDOW_BASE && gpa < IO_APIC_BASE;
  return hasFunctions() && gpa >= PCI_WINDOW_BASE && gpa < PCI_WINDOW_END;
}

/** Where the guest has put the page of its local APIC. */
function movedLocalApic(): u64 { return peek64(vcpuRecord() + VcpuMailbox.ApicBase) & LOCAL_APIC_PAGE; }

/** Lets the monitor carry out the instruction; false if it cannot. True without more where the partition ends or restarts. */
function carryOut(gpa: u64, isWrite: bool): bool {
  if (!lendFrame()) return true;
  memoryAccess(currentVcpu(), gpa, isWrite ? 1 : 0);
  settleMonitorCall();
  const needsSegments = !faulted() && lastStatus() == AccessStatus.NeedsSegments;
  if (needsSegments) {
    if (!lendTask(instructionPointer())) return true;
    taskSwitch(currentVcpu(), SEGMENT_ACCESS, gpa);
    settleMonitorCall();
  }
  if (faulted()) return true;
  const status = lastStatus();
  if (status == AccessStatus.GuestFault) {
    raiseGuestFault();
    return true;
  }
  if (status != AccessStatus.Done && status != AccessStatus.OpenBus) return false;
  takeBackFrame();
  if (needsSegments) takeBackSegments();
  return true;
}

function onViolation(gpa: u64, isWrite: bool, isFetch: bool, isOwnAccess: bool): void {
  auditMemory(gpa, isFetch ? MemoryAccess.Execute : isWrite ? MemoryAccess.Write : MemoryAccess.Read);
  const action = onMemoryViolation(currentPartition());
  if (action >= HealthAction.Restart) return applyHealthAction(action, StopReason.Violation);
  if (action == HealthAction.Ignore && isOwnAccess && carryOut(gpa, isWrite)) return;
  if (wasDeliveringDoubleFault()) return partitionFault(StopReason.TripleFault);
  injectGeneralProtectionDuringDelivery(0);
}
