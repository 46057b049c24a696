// Local APIC virtualised by the processor, SDM 3C chapter 30: which controls are on in which mode, and the interrupt status that
// a vCPU enters with. All of it or nothing: a processor without virtual-interrupt delivery leaves the local APIC to the monitor.

import { HostVector } from "../../../drivers/vectors";
import { ApicFeature, VirtualApicMode, VirtualApicPage } from "../../../monitor/interface";
import { allowsPinBased, allowsPrimary, allowsSecondary, clearablePrimary, pinBasedControls, primaryControls, secondaryControls } from "./capability";
import { PinBased, Primary, Secondary } from "./controls";
import { VmcsField } from "./field";
import { vmread, vmwrite } from "./instructions";
import { VcpuFrames, eptPointer } from "./vmcs";

const CR8_EXITING: u32 = Primary.CR8_LOAD_EXITING | Primary.CR8_STORE_EXITING;
/** Set while an event waits. */
const WINDOWS: u64 = Primary.INTERRUPT_WINDOW_EXITING | Primary.NMI_WINDOW_EXITING;
const DELIVERY: u32 = Secondary.APIC_REGISTER_VIRTUALIZATION | Secondary.VIRTUAL_INTERRUPT_DELIVERY;
const RVI_MASK: u64 = 0xff;
const CLASS_SHIFT: u64 = 4;

/** Mask of ApicFeature. */
export function apicFeatures(): u32 {
  if (!allowsPrimary(Primary.USE_TPR_SHADOW) || !allowsSecondary(DELIVERY | Secondary.VIRTUALIZE_APIC_ACCESSES)) return 0;
  const x2Apic: u32 = allowsSecondary(Secondary.VIRTUALIZE_X2APIC_MODE) ? ApicFeature.X2Apic : 0;
  return ApicFeature.VirtualInterrupts | x2Apic | (canPost() ? ApicFeature.Posted : 0);
}

/**
 * Whether a VM entry delivers what RVI has. Processors with virtual-interrupt delivery have posted interrupts as well; Bochs 2.7
 * has only the former, and looks at RVI at TPR, EOI and SELF IPI but not at the entry, against SDM 3C 27.3.2.5.
 */
export function deliversAtEntry(): bool { return canPost(); }

function canPost(): bool { return allowsPinBased(PinBased.PROCESS_POSTED_INTERRUPTS); }

/** Switches the vCPU to `mode`. Only xAPIC mode maps the APIC-access page, so that in the others each access to it exits. */
export function setApicMode(frames: VcpuFrames, mode: VirtualApicMode): void {
  const isVirtual = mode != VirtualApicMode.Software;
  const primary = isVirtual ? (primaryControls() & ~clearablePrimary(CR8_EXITING)) | Primary.USE_TPR_SHADOW : primaryControls();
  vmwrite(VmcsField.PIN_BASED_CONTROLS, pinBasedControls() | (isVirtual && canPost() ? PinBased.PROCESS_POSTED_INTERRUPTS : 0));
  vmwrite(VmcsField.PRIMARY_CONTROLS, primary | (vmread(VmcsField.PRIMARY_CONTROLS) & WINDOWS));
  vmwrite(VmcsField.SECONDARY_CONTROLS, secondaryControls() | secondaryOf(mode));
  vmwrite(VmcsField.MSR_BITMAP, mode == VirtualApicMode.Registers ? frames.x2ApicMsrBitmap : frames.msrBitmap);
  vmwrite(VmcsField.EPT_POINTER, eptPointer(mode == VirtualApicMode.Page ? frames.apicEptRoot : frames.eptRoot));
  if (!isVirtual) return;
  vmwrite(VmcsField.VIRTUAL_APIC_ADDRESS, frames.virtualApicPage);
  vmwrite(VmcsField.APIC_ACCESS_ADDRESS, frames.apicAccessPage);
  if (!canPost()) return;
  vmwrite(VmcsField.POSTED_INTERRUPT_DESCRIPTOR, frames.virtualApicPage + <u64>VirtualApicPage.Descriptor);
  vmwrite(VmcsField.POSTED_INTERRUPT_VECTOR, HostVector.PostedInterrupt);
}

/** The page and the MSRs exclude each other, SDM 3C 27.2.1.1. */
function secondaryOf(mode: VirtualApicMode): u32 {
  if (mode == VirtualApicMode.Page) return DELIVERY | Secondary.VIRTUALIZE_APIC_ACCESSES;
  return mode == VirtualApicMode.Registers ? DELIVERY | Secondary.VIRTUALIZE_X2APIC_MODE : 0;
}

/** Guest interrupt status: RVI in bits 7:0, SVI in bits 15:8 (SDM 3C 25.4.2). */
export function interruptStatus(): u64 { return vmread(VmcsField.GUEST_INTERRUPT_STATUS); }
export function setInterruptStatus(status: u64): void { vmwrite(VmcsField.GUEST_INTERRUPT_STATUS, status); }

/** Whether `status` has an interrupt that the processor priority lets through, SDM 3C 30.2.1. */
export function isRecognised(status: u64, processorPriority: u32): bool {
  return (status & RVI_MASK) >> CLASS_SHIFT > <u64>processorPriority >> CLASS_SHIFT;
}

/** Vectors 64 * word to 64 * word + 63 whose EOI exits, SDM 3C 25.6.8. */
export function setEndOfInterruptExits(word: u32, vectors: u64): void {
  vmwrite(VmcsField.EOI_EXIT_BITMAP0 + (word << 1), vectors);
}
