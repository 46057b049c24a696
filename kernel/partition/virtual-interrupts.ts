// A vCPU whose local APIC the processor virtualises (SDM 3C chapter 30): what it is given before an entry.

import { ApicFeature, VIRTUAL_APIC_BASE, VcpuMailbox, VcpuSignal, VirtualApicMode } from "../../monitor/interface";
import * as backend from "../cpu/backend";
import { usedApicFeatures } from "./apic-virtualisation";
import { Attention, attend } from "./attention";
import { currentVcpu, vcpuRecord } from "./current";
import { switchApicMode } from "./lifecycle";
import { acknowledge, interruptStatus, peek32 } from "./monitor";
import { settleMonitorCall } from "./monitor-call";
import { enterMonitor } from "./monitor-lock";

// Registers in the virtual-APIC page.
const PROCESSOR_PRIORITY: u32 = 0xa0;
const TRIGGER_MODES: u32 = 0x180;
/** Bytes from one register to the next. */
const STRIDE: u32 = 16;
const PAGE_SHIFT: u32 = 12;

let mode: u32 = VirtualApicMode.Software;

function register(offset: u32): u32 { return peek32(VIRTUAL_APIC_BASE + (currentVcpu() << PAGE_SHIFT) + offset); }

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
    const place = TRIGGER_MODES + word * 2 * STRIDE;
    backend.setEndOfInterruptExits(word, <u64>register(place) | (<u64>register(place + STRIDE) << 32));
  }
}

/** In the processor's place, which looks at RVI too seldom: before each entry, from the first signal on that is no change of mode. */
export function deliverVirtualInterrupt(): void {
  if (mode == VirtualApicMode.Software) return;
  if (!backend.isRecognised(backend.interruptStatus(), register(PROCESSOR_PRIORITY)) || !backend.canInjectInterrupt()) return;
  enterMonitor();
  const vector = acknowledge(currentVcpu());
  settleMonitorCall();
  backend.setInterruptStatus(<u64>interruptStatus(currentVcpu()));
  settleMonitorCall();
  if (vector) backend.injectInterrupt(vector);
}
