// The record that each vCPU shares with the kernel.

import { Mailbox, MAXIMUM_VCPUS, VcpuMailbox, VcpuStart } from "../interface";

// @ts-ignore: decorator
@inline function record(vcpu: u32): usize {
  return Mailbox.Vcpus + (vcpu & (MAXIMUM_VCPUS - 1)) * VcpuMailbox.Size;
}

export function setPendingVector(vcpu: u32, vector: u32): void {
  store<u32>(record(vcpu), vector, VcpuMailbox.PendingVector);
}

export function setPendingNmi(vcpu: u32, isPending: bool): void {
  store<u32>(record(vcpu), isPending ? 1 : 0, VcpuMailbox.PendingNmi);
}

/** TSC at which the kernel must call timer(); u64.MAX_VALUE for never. */
export function setDeadline(vcpu: u32, tsc: u64): void {
  store<u64>(record(vcpu), tsc, VcpuMailbox.Deadline);
}

/** What the guest reads from IA32_APIC_BASE. */
export function setApicBase(vcpu: u32, value: u64): void {
  store<u64>(record(vcpu), value, VcpuMailbox.ApicBase);
}

/** Asks the kernel to put a vCPU into wait-for-SIPI or to start it at page `vector`. */
export function requestStart(vcpu: u32, start: VcpuStart, vector: u32): void {
  store<u32>(record(vcpu), vector, VcpuMailbox.StartVector);
  store<u32>(record(vcpu), <u32>start, VcpuMailbox.Start);
}

export function resetVcpuMailbox(vcpu: u32): void {
  setPendingVector(vcpu, 0);
  setPendingNmi(vcpu, false);
  setDeadline(vcpu, u64.MAX_VALUE);
  requestStart(vcpu, VcpuStart.None, 0);
}
