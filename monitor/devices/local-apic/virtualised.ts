// A local APIC that the processor virtualises (SDM 3C chapter 30): what it leaves to the monitor, and what it is told before an entry.
//
// While its vCPU runs, the processor changes IRR, ISR, TPR and PPR in the page. The monitor changes them only where the vCPU
// cannot run at that moment: in a call by its own core. What arrives otherwise waits in VirtualApicPage.Posted.

import { hasDevice } from "../../configuration";
import { ApicFeature, Device, LOCAL_APIC_BASE, LOCAL_APIC_PAGE, Mailbox, VcpuSignal, VirtualApicMode, VirtualApicPage } from "../../interface";
import { clearSignals, setApicMode, signalVcpu } from "../vcpu-mailbox";
import { sendSelf } from "./command";
import { writePageRegister } from "./page";
import { refreshPending, updateProcessorPriority } from "./priority";
import { broadcastEndOfInterrupt } from "./registers";
import { resetLocalApic } from "./reset";
import { isEnabled, isExtended, isVirtualised, localApic } from "./state";
import { highestVector } from "./vector-map";
import { apicPage, Register, register, restoreKeptRegister, vectorMap } from "./virtual-apic-page";

const MAP_SIZE: u32 = 0x80;

/** The processor would accept and deliver interrupts for a software-disabled APIC as well. */
function modeFor(vcpu: u32): VirtualApicMode {
  const features = load<u32>(Mailbox.ApicFeatures);
  if ((features & ApicFeature.VirtualInterrupts) == 0 || !hasDevice(Device.LocalApic) || !isEnabled(vcpu)) return VirtualApicMode.Software;
  if (isExtended(vcpu)) return (features & ApicFeature.X2Apic) != 0 ? VirtualApicMode.Registers : VirtualApicMode.Software;
  return (localApic(vcpu).base & LOCAL_APIC_PAGE) == LOCAL_APIC_BASE ? VirtualApicMode.Page : VirtualApicMode.Software;
}

/** On the vCPU's own core: IA32_APIC_BASE or the spurious-interrupt vector register has changed. */
export function refreshMode(vcpu: u32): void {
  const apic = localApic(vcpu);
  const mode = modeFor(vcpu);
  if (mode == apic.mode) return;
  apic.mode = mode;
  setApicMode(vcpu, mode);
  signalVcpu(vcpu, VcpuSignal.InterruptStatus | VcpuSignal.TriggerModes);
  refreshPending(vcpu);
}

/** Enters into IRR what has arrived, and what was posted to a vCPU that did not run then. Who posts has the partition's lock, as this call. */
function takePosted(vcpu: u32): void {
  const posted = vectorMap(vcpu, VirtualApicPage.Posted);
  const requests = vectorMap(vcpu, Register.Request);
  const descriptor = apicPage(vcpu) + <usize>VirtualApicPage.Descriptor;
  for (let part: u32 = 0; part < MAP_SIZE; part += 0x10) {
    const request = descriptor + (part >> 2);
    store<u32>(requests + part, load<u32>(requests + part) | load<u32>(posted + part) | load<u32>(request));
    store<u32>(posted + part, 0);
    store<u32>(request, 0);
  }
  store<u32>(apicPage(vcpu), 0, VirtualApicPage.DescriptorControl);
}

/** On the vCPU's own core: guest interrupt status for its next entry, RVI in bits 7:0 and SVI in bits 15:8 (SDM 3C 25.4.2). */
export function interruptStatus(vcpu: u32): u32 {
  const apic = localApic(vcpu);
  takePosted(vcpu);
  if (apic.isResetAgain != 0) {
    apic.isResetAgain = 0;
    resetLocalApic(vcpu);
    refreshMode(vcpu);
  }
  updateProcessorPriority(vcpu);
  refreshPending(vcpu);
  clearSignals(vcpu);
  if (!isVirtualised(vcpu)) return 0;
  return (highestVector(vectorMap(vcpu, Register.InService)) << 8) | highestVector(vectorMap(vcpu, Register.Request));
}

/** APIC-write exit (SDM 3C 30.4.3.3): the processor has written the register, the rest is to be done. */
export function finishWrite(vcpu: u32, offset: u32): void {
  const value = register(vcpu, offset);
  switch (offset) {
    case Register.SelfIpi:
      sendSelf(vcpu, value & 0xff);
      return;
    case Register.Identifier:
    case Register.Spurious:
    case Register.LvtTimer:
    case Register.LvtLint0:
    case Register.DivideConfiguration:
      restoreKeptRegister(vcpu, offset);
  }
  writePageRegister(vcpu, offset, value);
}

/** EOI-induced exit (SDM 3C 30.1.4): the processor has taken a level-triggered vector out of service. */
export function finishEndOfInterrupt(vcpu: u32, vector: u32): void {
  broadcastEndOfInterrupt(vcpu, vector);
}
