// Entry points of the monitor, called by the kernel (kernel/partition/monitor.ts). `vcpu` is the one that calls.

import { writeAcpiTables } from "./acpi/place";
import { hasDevice, hasFirmware } from "./configuration";
import { answerCpuid } from "./cpuid/answer";
import { executeMemoryAccess } from "./decoder/execute";
import { executeStringPort } from "./decoder/string-port";
import { portIn, portOut } from "./devices/bus";
import { describePlatform } from "./devices/fw-cfg/contents";
import { readApicMsr, writeApicMsr } from "./devices/local-apic/msr";
import { setTaskPriority } from "./devices/local-apic/priority";
import { Register, register } from "./devices/local-apic/virtual-apic-page";
import { finishEndOfInterrupt, finishWrite, interruptStatus as virtualisedStatus } from "./devices/local-apic/virtualised";
import { receiveDeviceMessage } from "./devices/pci/device-message";
import { acknowledgeInterrupt, resetPlatform, runTimers } from "./devices/platform";
import { readPlatformMsr, writePlatformMsr } from "./devices/msr/platform-msr";
import { setStatus } from "./devices/status";
import { receiveInput } from "./devices/uart/uart";
import { setCaller, takePendingNmi } from "./devices/vcpu-mailbox";
import { AccessStatus, Device, SEGMENT_ACCESS } from "./interface";
import { load as loadImages } from "./loader/load";
import { writeBiosData } from "./pc/bios-data";
import { executeSegmentAccess } from "./task/segment-instruction";
import { switchTask } from "./task/switch";

/** Resets the devices, writes the tables and loads the images, some of which get copies; returns LoadStatus. */
export function start(): u32 {
  resetPlatform();
  if (hasFirmware() || hasDevice(Device.Test)) describePlatform();
  if (!hasFirmware()) writeAcpiTables();
  writeBiosData();
  return loadImages();
}

export function portRead(vcpu: u32, port: u32, size: u32): u32 {
  setCaller(vcpu);
  return portIn(vcpu, port, size);
}

export function portWrite(vcpu: u32, port: u32, size: u32, value: u32): void {
  setCaller(vcpu);
  portOut(vcpu, port, size, value);
}

/** INS or OUTS, with the VMX instruction-information field (SDM 28.2.5). */
export function portString(vcpu: u32, port: u32, size: u32, isWrite: u32, isRepeated: u32, information: u32): void {
  setCaller(vcpu);
  setStatus(executeStringPort(vcpu, port, size, isWrite, isRepeated, information));
}

export function msrRead(vcpu: u32, index: u32): u64 {
  setCaller(vcpu);
  return hasDevice(Device.LocalApic) ? readApicMsr(vcpu, index) : readPlatformMsr(vcpu, index);
}

export function msrWrite(vcpu: u32, index: u32, value: u64): void {
  setCaller(vcpu);
  if (hasDevice(Device.LocalApic)) writeApicMsr(vcpu, index, value);
  else writePlatformMsr(vcpu, index, value);
}

/** Makes the guest's CPUID of the processor's in Mailbox.Cpuid; see answerCpuid(). */
export function cpuid(vcpu: u32, leaf: u32, subleaf: u32, controls: u32, enabledXcr0: u64): void {
  setCaller(vcpu);
  answerCpuid(vcpu, leaf, subleaf, controls, enabledXcr0);
}

/** An access to memory that is not RAM: decodes the instruction in Mailbox.Frame and carries it out. */
export function memoryAccess(vcpu: u32, gpa: u64, isWrite: u32): void {
  setCaller(vcpu);
  setStatus(executeMemoryAccess(vcpu, gpa, isWrite));
}

/** A task switch: the frame and the segments become those of the new task. */
export function taskSwitch(vcpu: u32, qualification: u32, errorCode: u64): void {
  setCaller(vcpu);
  setStatus(qualification == SEGMENT_ACCESS ? executeSegmentAccess(vcpu, errorCode) : switchTask(vcpu, qualification, errorCode));
}

/** MOV from CR8: TPR bits 7:4 (SDM 3A 11.8.6). */
export function taskPriorityRead(vcpu: u32): u32 {
  setCaller(vcpu);
  setStatus(AccessStatus.Done);
  return register(vcpu, Register.TaskPriority) >> 4;
}

/** MOV to CR8. */
export function taskPriorityWrite(vcpu: u32, value: u32): void {
  setCaller(vcpu);
  setStatus(AccessStatus.Done);
  setTaskPriority(vcpu, (value & 0xf) << 4);
}

/** Moves the pending vector into service and returns it; 0 if there is none any more. */
export function acknowledge(vcpu: u32): u32 {
  setCaller(vcpu);
  return acknowledgeInterrupt(vcpu);
}

/** What a vCPU with a virtualised local APIC enters with: RVI and SVI (VcpuSignal.InterruptStatus). */
export function interruptStatus(vcpu: u32): u32 {
  setCaller(vcpu);
  return virtualisedStatus(vcpu);
}

/** The processor wrote a register of the virtual-APIC page; what follows from it is to be done. */
export function apicWrite(vcpu: u32, offset: u32): void {
  setCaller(vcpu);
  finishWrite(vcpu, offset);
}

/** The processor carried out the EOI of a level-triggered vector. */
export function apicEndOfInterrupt(vcpu: u32, vector: u32): void {
  setCaller(vcpu);
  finishEndOfInterrupt(vcpu, vector);
}

export function acknowledgeNmi(vcpu: u32): void {
  setCaller(vcpu);
  takePendingNmi(vcpu);
}

/** The deadline of this vCPU has passed. */
export function timer(vcpu: u32): void {
  setCaller(vcpu);
  runTimers(vcpu);
}

/** Bytes were put into the input ring. */
export function input(vcpu: u32): void {
  setCaller(vcpu);
  receiveInput();
}

/** The real function sent a message: the MSI-X entry `message`, 0 for MSI. */
export function deviceMessage(vcpu: u32, functionIndex: u32, message: u32): void {
  setCaller(vcpu);
  receiveDeviceMessage(functionIndex, message);
}
