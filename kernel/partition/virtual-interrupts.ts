// A vCPU whose local APIC the processor virtualises (SDM 3C chapter 30): what it is given before an entry.

import { sendFixed } from "../../drivers/local-apic";
import { HostVector } from "../../drivers/vectors";
import { ApicFeature, VIRTUAL_APIC_BASE, VcpuMailbox, VcpuSignal, VirtualApicMode, VirtualApicPage } from "../../monitor/interface";
import * as backend from "../cpu/backend";
import { usedApicFeatures } from "./apic-virtualisation";
import { Attention, attend } from "./attention";
import { currentPartition, currentVcpu, vcpuCount, vcpuRecord } from "./current";
import { switchApicMode } from "./lifecycle";
import { interruptStatus, or32, peek32, poke32 } from "./monitor";
import { settleMonitorCall } from "./monitor-call";
import { enterMonitor } from "./monitor-lock";
import { vcpuApicId } from "./plan";

// Registers in the virtual-APIC page.
const PROCESSOR_PRIORITY: u32 = 0xa0;
const IN_SERVICE: u32 = 0x100;
const TRIGGER_MODES: u32 = 0x180;
const REQUESTS: u32 = 0x200;
/** Of a vector or a priority. */
const CLASS: u32 = 0xf0;
/** RVI in the guest interrupt status; SVI lies above it. */
const VECTOR: u32 = 0xff;
const SERVICED_SHIFT: u64 = 8;
/** Bytes from one register to the next. */
const STRIDE: u32 = 16;
const PAGE_SHIFT: u32 = 12;
/** Words of a map of vectors. */
const WORDS: u32 = 8;
/** ON of a posted-interrupt descriptor. */
const OUTSTANDING: u32 = 1 << 0;

let mode: u32 = VirtualApicMode.Software;

// @ts-ignore: decorator
@inline
function place(offset: u32): u32 { return VIRTUAL_APIC_BASE + (currentVcpu() << PAGE_SHIFT) + offset; }

function register(offset: u32): u32 { return peek32(place(offset)); }

/** In the monitor: takes what it has signalled, a mask of VcpuSignal. */
export function takeSignals(signals: u32): void {
  const status = <u64>interruptStatus(currentVcpu());
  settleMonitorCall();
  const wanted = permittedMode(peek32(vcpuRecord() + VcpuMailbox.ApicMode));
  if (wanted != mode) switchApicMode(wanted);
  else if (!backend.deliversAtEntry()) attend(Attention.Delivery);
  mode = wanted;
  if (mode == VirtualApicMode.Software) return;
  if (signals & VcpuSignal.TriggerModes) setEndOfInterruptExits();
  backend.setInterruptStatus(status);
}

/** Whatever a monitor says, controls that the processor does not have stay off. */
function permittedMode(wanted: u32): u32 {
  const features = usedApicFeatures();
  if (wanted == VirtualApicMode.Page && (features & ApicFeature.VirtualInterrupts)) return wanted;
  return wanted == VirtualApicMode.Registers && (features & ApicFeature.X2Apic) ? wanted : VirtualApicMode.Software;
}

/** The EOI of a level-triggered interrupt is also the I/O APIC's business. */
function setEndOfInterruptExits(): void {
  for (let word: u32 = 0; word < 4; word++) {
    const modes = TRIGGER_MODES + word * 2 * STRIDE;
    backend.setEndOfInterruptExits(word, <u64>register(modes) | (<u64>register(modes + STRIDE) << 32));
  }
}

/** In the monitor: posts what waits for these vCPUs, a mask, to their cores, which take it without an exit if they run them (SDM 3C 30.6). */
export function post(vcpus: u32): void {
  for (let vcpu: u32 = 0; vcpu < vcpuCount(); vcpu++) {
    if ((vcpus >> vcpu) & 1) postTo(vcpu, VIRTUAL_APIC_BASE + (vcpu << PAGE_SHIFT));
  }
}

function postTo(vcpu: u32, page: u32): void {
  for (let word: u32 = 0; word < WORDS; word++) {
    const place = page + <u32>VirtualApicPage.Posted + word * STRIDE;
    const vectors = peek32(place);
    if (vectors == 0) continue;
    poke32(place, 0);
    or32(page + <u32>VirtualApicPage.Descriptor + (word << 2), vectors);
  }
  const control = or32(page + <u32>VirtualApicPage.DescriptorControl, OUTSTANDING);
  if (!(control & OUTSTANDING)) sendFixed(vcpuApicId(currentPartition(), vcpu), HostVector.PostedInterrupt);
}

/** The notification came while no vCPU ran here: what was posted is fetched before the next entry. */
export function onNotification(): void {
  if (!enterMonitor()) return;
  const place = vcpuRecord() + <u32>VcpuMailbox.PendingVector;
  poke32(place, peek32(place) | <u32>VcpuSignal.InterruptStatus);
  attend(Attention.Record);
}

/** In the processor's place, which looks at RVI too seldom: before each entry, from the first signal on that is no change of mode. */
export function deliverVirtualInterrupt(): void {
  if (mode == VirtualApicMode.Software) return;
  const status = backend.interruptStatus();
  if (!backend.isRecognised(status, register(PROCESSOR_PRIORITY)) || !backend.canInjectInterrupt()) return;
  if (!enterMonitor()) return;
  const vector = <u32>status & VECTOR;
  serviceInterrupt(vector);
  backend.setInterruptStatus((<u64>vector << SERVICED_SHIFT) | highestRequest());
  backend.injectInterrupt(vector);
}

/**
 * In the monitor: moves `vector`, the highest request and of a class above all in service and TPR, from IRR to ISR. PPR becomes its
 * class (SDM 3A 11.8.3.1, 3C 30.2.2).
 */
export function serviceInterrupt(vector: u32): void {
  const word = place((vector >> 5) * STRIDE);
  const bit: u32 = 1 << (vector & 31);
  poke32(word + REQUESTS, peek32(word + REQUESTS) & ~bit);
  poke32(word + IN_SERVICE, peek32(word + IN_SERVICE) | bit);
  poke32(place(PROCESSOR_PRIORITY), vector & CLASS);
}

/** Highest vector in IRR, 0 if it is empty. */
function highestRequest(): u32 {
  for (let word = WORDS; word-- > 0;) {
    const requests = register(REQUESTS + word * STRIDE);
    if (requests) return (word << 5) + 31 - <u32>clz(requests);
  }
  return 0;
}
