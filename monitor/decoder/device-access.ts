// Accesses to the partition's devices, and what came of those of one instruction together.

import { memoryRead, memoryWrite, portIn, portOut } from "../devices/bus";
import { setStatus } from "../devices/status";
import { AccessStatus, Mailbox } from "../interface";
import { sizeMask } from "./frame";

/** The gravest status since beginAccesses(): Done, OpenBus or GeneralProtection, in this order. */
let gravest: AccessStatus = AccessStatus.Done;

export function beginAccesses(): void {
  gravest = AccessStatus.Done;
}

export function readDevice(vcpu: u32, gpa: u64, size: u32): u64 {
  setStatus(AccessStatus.Done);
  const value = memoryRead(vcpu, gpa, size) & sizeMask(size);
  noteStatus();
  return value;
}

export function writeDevice(vcpu: u32, gpa: u64, size: u32, value: u64): void {
  setStatus(AccessStatus.Done);
  memoryWrite(vcpu, gpa, size, value & sizeMask(size));
  noteStatus();
}

export function readPort(vcpu: u32, port: u32, size: u32): u32 {
  setStatus(AccessStatus.Done);
  const value = portIn(vcpu, port, size);
  noteStatus();
  return value;
}

export function writePort(vcpu: u32, port: u32, size: u32, value: u32): void {
  setStatus(AccessStatus.Done);
  portOut(vcpu, port, size, value);
  noteStatus();
}

/** What came of the accesses so far. */
export function deviceStatus(): AccessStatus {
  return gravest;
}

/** The device refused an access: the instruction ends without effect on registers. */
export function isRefused(): bool {
  return gravest == AccessStatus.GeneralProtection;
}

function noteStatus(): void {
  const status = load<u32>(Mailbox.Status);
  if (status > <u32>gravest) gravest = status;
}
