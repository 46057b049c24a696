// Making the VMCS of a vCPU: controls from the capabilities, tables from the partition, SDM 3C chapter 25.

import { store32 } from "../../memory/physical";
import { eptVpidCapabilities, pinBasedControls, primaryControls, secondaryControls, vmExitControls, vmcsRevision } from "./capability";
import { EptVpidCapability } from "./controls";
import { Exception } from "./events";
import { VmcsField } from "./field";
import { writeHostState } from "./host-state";
import { invept, invvpid, vmclear, vmptrld, vmwrite } from "./instructions";

const EPTP_WRITE_BACK: u64 = 6;
const EPTP_WALK_LENGTH_4: u64 = 3 << 3;

const enum InveptType { SingleContext = 1, AllContexts = 2 }
const enum InvvpidType { SingleContext = 1, AllContexts = 2 }

/** Frames of one vCPU; physical addresses. */
@unmanaged
export class VcpuFrames {
  /** VMCS. */
  control: u64;
  /** 8 KiB, ports 0-0x7fff then 0x8000-0xffff; SDM 3C 25.6.4. */
  ioBitmaps: u64;
  /** 4 KiB, SDM 3C 25.6.9. */
  msrBitmap: u64;
  eptRoot: u64;
  vpid: u64;
  /** 4 KiB each, SDM 3C 30.1 and 30.4. */
  virtualApicPage: u64;
  apicAccessPage: u64;
  /** As eptRoot, and the APIC-access page. */
  apicEptRoot: u64;
  /** As msrBitmap, and what a virtualised x2APIC answers. */
  x2ApicMsrBitmap: u64;
}

/** Marks a zeroed frame as VMXON region or VMCS, SDM 3C 25.2; afterwards only the processor touches it. */
export function initialiseRegion(region: u64): void {
  store32(region, vmcsRevision());
}

/** Makes the VMCS current on this core with all but the guest state written; false if the processor refuses the region. */
export function loadVmcs(frames: VcpuFrames): bool {
  if (vmclear(frames.control) != 0 || vmptrld(frames.control) != 0) return false;
  writeControls(frames);
  writeHostState();
  flushTranslations(frames);
  return true;
}

/** After this the next entry is a VMLAUNCH. */
export function rewindLaunchState(frames: VcpuFrames): bool {
  return vmclear(frames.control) == 0 && vmptrld(frames.control) == 0;
}

function writeControls(frames: VcpuFrames): void {
  vmwrite(VmcsField.PIN_BASED_CONTROLS, pinBasedControls());
  vmwrite(VmcsField.PRIMARY_CONTROLS, primaryControls());
  vmwrite(VmcsField.SECONDARY_CONTROLS, secondaryControls());
  vmwrite(VmcsField.VM_EXIT_CONTROLS, vmExitControls());
  vmwrite(VmcsField.EXCEPTION_BITMAP, (1 << Exception.MC) | (1 << Exception.DB) | (1 << Exception.AC));
  vmwrite(VmcsField.PAGE_FAULT_ERROR_CODE_MASK, 0);
  vmwrite(VmcsField.PAGE_FAULT_ERROR_CODE_MATCH, 0);
  vmwrite(VmcsField.CR3_TARGET_COUNT, 0);
  vmwrite(VmcsField.VM_EXIT_MSR_STORE_COUNT, 0);
  vmwrite(VmcsField.VM_EXIT_MSR_LOAD_COUNT, 0);
  vmwrite(VmcsField.VM_ENTRY_MSR_LOAD_COUNT, 0);
  vmwrite(VmcsField.IO_BITMAP_A, frames.ioBitmaps);
  vmwrite(VmcsField.IO_BITMAP_B, frames.ioBitmaps + 4096);
  vmwrite(VmcsField.MSR_BITMAP, frames.msrBitmap);
  vmwrite(VmcsField.EPT_POINTER, eptPointer(frames.eptRoot));
  vmwrite(VmcsField.VIRTUAL_PROCESSOR_ID, frames.vpid);
  vmwrite(VmcsField.TSC_OFFSET, 0);
  vmwrite(VmcsField.VMX_PREEMPTION_TIMER_VALUE, u32.MAX_VALUE);
}

export function eptPointer(root: u64): u64 { return root | EPTP_WRITE_BACK | EPTP_WALK_LENGTH_4; }

/** Translations that an earlier owner of this EPTP or VPID left in the processor, SDM 3C 29.4.3. */
export function flushTranslations(frames: VcpuFrames): void {
  const capabilities = eptVpidCapabilities();
  const type = capabilities & EptVpidCapability.INVEPT_SINGLE_CONTEXT ? InveptType.SingleContext : InveptType.AllContexts;
  invept(type, eptPointer(frames.eptRoot));
  if (frames.apicEptRoot != 0) invept(type, eptPointer(frames.apicEptRoot));
  flushGuestTranslations(frames.vpid);
}

/** Translations of the guest's own tables, global ones too. */
export function flushGuestTranslations(vpid: u64): void {
  const capabilities = eptVpidCapabilities();
  invvpid(capabilities & EptVpidCapability.INVVPID_SINGLE_CONTEXT ? InvvpidType.SingleContext : InvvpidType.AllContexts, vpid, 0);
}
