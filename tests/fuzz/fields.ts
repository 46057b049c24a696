// Short names for the VMCS fields of a guest's state, as numbers: fuzzing looks them up millions of times.

import { field } from "../unit/kernel/kernel-machine.ts";

export const SEGMENT_NAMES = ["ES", "CS", "SS", "DS", "FS", "GS", "LDTR", "TR"] as const;

export interface SegmentFields {
  selector: number;
  base: number;
  limit: number;
  rights: number;
}

/** In encoding order. */
export const SEGMENTS: readonly SegmentFields[] = SEGMENT_NAMES.map((name) => ({
  selector: field(`GUEST_${name}_SELECTOR`), base: field(`GUEST_${name}_BASE`), limit: field(`GUEST_${name}_LIMIT`), rights: field(`GUEST_${name}_ACCESS_RIGHTS`),
}));

export const F = {
  cr0: field("GUEST_CR0"), cr3: field("GUEST_CR3"), cr4: field("GUEST_CR4"), efer: field("GUEST_IA32_EFER"), pat: field("GUEST_IA32_PAT"),
  debugctl: field("GUEST_IA32_DEBUGCTL"), dr7: field("GUEST_DR7"), rip: field("GUEST_RIP"), rsp: field("GUEST_RSP"), rflags: field("GUEST_RFLAGS"),
  sysenterEsp: field("GUEST_SYSENTER_ESP"), sysenterEip: field("GUEST_SYSENTER_EIP"), gdtrBase: field("GUEST_GDTR_BASE"), idtrBase: field("GUEST_IDTR_BASE"),
  gdtrLimit: field("GUEST_GDTR_LIMIT"), idtrLimit: field("GUEST_IDTR_LIMIT"), link: field("VMCS_LINK_POINTER"),
  pdpte0: field("GUEST_PDPTE0"), pdpte1: field("GUEST_PDPTE1"), pdpte2: field("GUEST_PDPTE2"), pdpte3: field("GUEST_PDPTE3"),
  activity: field("GUEST_ACTIVITY_STATE"), interruptibility: field("GUEST_INTERRUPTIBILITY"), pendingDebug: field("GUEST_PENDING_DEBUG_EXCEPTIONS"),
  event: field("VM_ENTRY_INTERRUPTION_INFORMATION"), eventError: field("VM_ENTRY_EXCEPTION_ERROR_CODE"), eventLength: field("VM_ENTRY_INSTRUCTION_LENGTH"),
  entryControls: field("VM_ENTRY_CONTROLS"), primaryControls: field("PRIMARY_CONTROLS"), secondaryControls: field("SECONDARY_CONTROLS"),
  cr0Shadow: field("CR0_READ_SHADOW"), cr4Shadow: field("CR4_READ_SHADOW"), cr4Mask: field("CR4_GUEST_HOST_MASK"),
  qualification: field("EXIT_QUALIFICATION"), linear: field("GUEST_LINEAR_ADDRESS"), physical: field("GUEST_PHYSICAL_ADDRESS"),
  exitEvent: field("VM_EXIT_INTERRUPTION_INFORMATION"), vectoring: field("IDT_VECTORING_INFORMATION"), vectoringError: field("IDT_VECTORING_ERROR_CODE"),
  instruction: field("VM_EXIT_INSTRUCTION_INFORMATION"), length: field("VM_EXIT_INSTRUCTION_LENGTH"), reason: field("EXIT_REASON"),
} as const;
