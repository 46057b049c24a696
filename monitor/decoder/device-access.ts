// Accesses to the partition's devices; both record what came of them.

import { memoryRead, memoryWrite } from "../devices/bus";
import { setStatus } from "../devices/status";
import { AccessStatus, Mailbox } from "../interface";
import { sizeMask } from "./frame";

export function readDevice(vcpu: u32, gpa: u64, size: u32): u64 {
  setStatus(AccessStatus.Done);
  return memoryRead(vcpu, gpa, size) & sizeMask(size);
}

export function writeDevice(vcpu: u32, gpa: u64, size: u32, value: u64): void {
  setStatus(AccessStatus.Done);
  memoryWrite(vcpu, gpa, size, value & sizeMask(size));
}

/** What came of the access before. */
export function deviceStatus(): AccessStatus {
  return load<u32>(Mailbox.Status);
}

/** The device refused the access: the instruction has no effect. */
export function isRefused(): bool {
  return deviceStatus() == AccessStatus.GeneralProtection;
}
