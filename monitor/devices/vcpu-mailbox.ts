// The record that each vCPU shares with the kernel.

import { ApicFeature, LOCAL_VECTOR, Mailbox, MAXIMUM_VCPUS, VcpuMailbox, VcpuSignal, VcpuStart } from "../interface";

/** In Mailbox.Kick, behind the vCPUs whose cores must look. */
const POST_SHIFT: u32 = 8;
/** Bits of the pending vector; above them are signals. */
const VECTOR: u32 = 0xff;

// @ts-ignore: decorator
@inline function record(vcpu: u32): usize {
  return Mailbox.Vcpus + (vcpu & (MAXIMUM_VCPUS - 1)) * VcpuMailbox.Size;
}

/** The vCPU that called the monitor. */
let caller: u32 = 0;

// @ts-ignore: decorator
@inline export function setCaller(vcpu: u32): void {
  caller = vcpu;
}

/** Has the core of `vcpu` look at its record; the caller's own looks anyway. */
// @ts-ignore: decorator
@inline function kick(vcpu: u32): void {
  if (vcpu != caller) store<u32>(Mailbox.Kick, load<u32>(Mailbox.Kick) | ((<u32>1) << vcpu));
}

export function pendingVector(vcpu: u32): u32 {
  return load<u32>(record(vcpu), VcpuMailbox.PendingVector) & VECTOR;
}

/** The interrupt to inject, perhaps with LOCAL_VECTOR; what has been signalled stays. A vector in place of another needs no kick: the core has not acknowledged the other yet. */
export function setPendingVector(vcpu: u32, vector: u32): void {
  const pending = load<u32>(record(vcpu), VcpuMailbox.PendingVector);
  if (vector != 0 && (pending & VECTOR) == 0) kick(vcpu);
  store<u32>(record(vcpu), (pending & ~(VECTOR | LOCAL_VECTOR)) | vector, VcpuMailbox.PendingVector);
}

/** Asks the kernel to fetch something before the next entry. */
export function signalVcpu(vcpu: u32, signal: VcpuSignal): void {
  const pending = load<u32>(record(vcpu), VcpuMailbox.PendingVector);
  if ((pending & <u32>signal) != <u32>signal) kick(vcpu);
  store<u32>(record(vcpu), pending | <u32>signal, VcpuMailbox.PendingVector);
}

/** Has the kernel post what has arrived to a vCPU that runs on another core and takes it without an exit; false where its core must look. */
export function postVcpu(vcpu: u32): bool {
  const mustLook = load<u32>(record(vcpu), VcpuMailbox.PendingVector) | load<u32>(record(vcpu), VcpuMailbox.Start);
  if (vcpu == caller || mustLook != 0 || (load<u32>(Mailbox.ApicFeatures) & ApicFeature.Posted) == 0) return false;
  store<u32>(Mailbox.Kick, load<u32>(Mailbox.Kick) | ((<u32>1) << (POST_SHIFT + vcpu)));
  return true;
}

export function clearSignals(vcpu: u32): void {
  store<u32>(record(vcpu), load<u32>(record(vcpu), VcpuMailbox.PendingVector) & (VECTOR | LOCAL_VECTOR), VcpuMailbox.PendingVector);
}

export function setApicMode(vcpu: u32, mode: u32): void {
  store<u32>(record(vcpu), mode, VcpuMailbox.ApicMode);
}

/** One can be in service while the next one waits; the kernel drops the second that waits once the first is in service. */
const MAXIMUM_NMIS: u32 = 2;

export function addPendingNmi(vcpu: u32): void {
  kick(vcpu);
  store<u32>(record(vcpu), min<u32>(load<u32>(record(vcpu), VcpuMailbox.PendingNmi) + 1, MAXIMUM_NMIS), VcpuMailbox.PendingNmi);
}

export function takePendingNmi(vcpu: u32): void {
  const pending = load<u32>(record(vcpu), VcpuMailbox.PendingNmi);
  if (pending != 0) store<u32>(record(vcpu), pending - 1, VcpuMailbox.PendingNmi);
}

export function clearPendingNmis(vcpu: u32): void {
  store<u32>(record(vcpu), 0, VcpuMailbox.PendingNmi);
}

/** TSC at which the kernel must call timer(); u64.MAX_VALUE for never. */
export function setDeadline(vcpu: u32, tsc: u64): void {
  if (tsc < load<u64>(record(vcpu), VcpuMailbox.Deadline)) kick(vcpu);
  store<u64>(record(vcpu), tsc, VcpuMailbox.Deadline);
}

/** What the guest reads from IA32_APIC_BASE. */
export function setApicBase(vcpu: u32, value: u64): void {
  store<u64>(record(vcpu), value, VcpuMailbox.ApicBase);
}

function setStart(vcpu: u32, start: u32, vector: u32): void {
  store<u32>(record(vcpu), vector, VcpuMailbox.StartVector);
  store<u32>(record(vcpu), start, VcpuMailbox.Start);
  if (start != VcpuStart.None) kick(vcpu);
}

/** Asks the kernel to put a vCPU into wait-for-SIPI. */
export function requestInit(vcpu: u32): void {
  setStart(vcpu, VcpuStart.Init, 0);
}

/** Asks the kernel to start a waiting vCPU at page `vector`. Of several requests the first counts; an INIT before it is kept. */
export function requestStartUp(vcpu: u32, vector: u32): void {
  const start = load<u32>(record(vcpu), VcpuMailbox.Start);
  if ((start & <u32>VcpuStart.Sipi) == 0) setStart(vcpu, start | <u32>VcpuStart.Sipi, vector);
}

export function resetVcpuMailbox(vcpu: u32): void {
  clearSignals(vcpu);
  setPendingVector(vcpu, 0);
  clearPendingNmis(vcpu);
  setDeadline(vcpu, u64.MAX_VALUE);
  setStart(vcpu, VcpuStart.None, 0);
}

/** After a reset no core needs to look: none runs the guest. */
export function clearKick(): void {
  store<u32>(Mailbox.Kick, 0);
}
