// The whole VMCS with field names, printed when a VM entry fails (SDM 3C 27.3 lists what the processor checks).

import { print, printHex, printLine } from "../../console/print";
import { VmcsField } from "./field";
import { vmread } from "./instructions";

/** Prints every field of the current VMCS. */
export function dumpVmcs(): void {
  dumpControls();
  dumpGuestState();
  dumpHostState();
}

function dumpField(name: string, field: u64): void {
  print("  ");
  print(name);
  print(" = ");
  printHex(vmread(field), 16);
  printLine();
}

function dumpControls(): void {
  dumpField("VIRTUAL_PROCESSOR_ID", VmcsField.VIRTUAL_PROCESSOR_ID);
  dumpField("IO_BITMAP_A", VmcsField.IO_BITMAP_A);
  dumpField("IO_BITMAP_B", VmcsField.IO_BITMAP_B);
  dumpField("MSR_BITMAP", VmcsField.MSR_BITMAP);
  dumpField("VM_EXIT_MSR_STORE_ADDRESS", VmcsField.VM_EXIT_MSR_STORE_ADDRESS);
  dumpField("VM_EXIT_MSR_LOAD_ADDRESS", VmcsField.VM_EXIT_MSR_LOAD_ADDRESS);
  dumpField("VM_ENTRY_MSR_LOAD_ADDRESS", VmcsField.VM_ENTRY_MSR_LOAD_ADDRESS);
  dumpField("TSC_OFFSET", VmcsField.TSC_OFFSET);
  dumpField("VIRTUAL_APIC_ADDRESS", VmcsField.VIRTUAL_APIC_ADDRESS);
  dumpField("APIC_ACCESS_ADDRESS", VmcsField.APIC_ACCESS_ADDRESS);
  dumpField("POSTED_INTERRUPT_VECTOR", VmcsField.POSTED_INTERRUPT_VECTOR);
  dumpField("POSTED_INTERRUPT_DESCRIPTOR", VmcsField.POSTED_INTERRUPT_DESCRIPTOR);
  dumpField("EPT_POINTER", VmcsField.EPT_POINTER);
  dumpField("EOI_EXIT_BITMAP0", VmcsField.EOI_EXIT_BITMAP0);
  dumpField("GUEST_INTERRUPT_STATUS", VmcsField.GUEST_INTERRUPT_STATUS);
  dumpField("GUEST_PHYSICAL_ADDRESS", VmcsField.GUEST_PHYSICAL_ADDRESS);
  dumpField("VMCS_LINK_POINTER", VmcsField.VMCS_LINK_POINTER);
  dumpField("PIN_BASED_CONTROLS", VmcsField.PIN_BASED_CONTROLS);
  dumpField("PRIMARY_CONTROLS", VmcsField.PRIMARY_CONTROLS);
  dumpField("EXCEPTION_BITMAP", VmcsField.EXCEPTION_BITMAP);
  dumpField("PAGE_FAULT_ERROR_CODE_MASK", VmcsField.PAGE_FAULT_ERROR_CODE_MASK);
  dumpField("PAGE_FAULT_ERROR_CODE_MATCH", VmcsField.PAGE_FAULT_ERROR_CODE_MATCH);
  dumpField("CR3_TARGET_COUNT", VmcsField.CR3_TARGET_COUNT);
  dumpField("VM_EXIT_CONTROLS", VmcsField.VM_EXIT_CONTROLS);
  dumpField("VM_EXIT_MSR_STORE_COUNT", VmcsField.VM_EXIT_MSR_STORE_COUNT);
  dumpField("VM_EXIT_MSR_LOAD_COUNT", VmcsField.VM_EXIT_MSR_LOAD_COUNT);
  dumpField("VM_ENTRY_CONTROLS", VmcsField.VM_ENTRY_CONTROLS);
  dumpField("VM_ENTRY_MSR_LOAD_COUNT", VmcsField.VM_ENTRY_MSR_LOAD_COUNT);
  dumpField("VM_ENTRY_INTERRUPTION_INFORMATION", VmcsField.VM_ENTRY_INTERRUPTION_INFORMATION);
  dumpField("VM_ENTRY_EXCEPTION_ERROR_CODE", VmcsField.VM_ENTRY_EXCEPTION_ERROR_CODE);
  dumpField("VM_ENTRY_INSTRUCTION_LENGTH", VmcsField.VM_ENTRY_INSTRUCTION_LENGTH);
  dumpField("SECONDARY_CONTROLS", VmcsField.SECONDARY_CONTROLS);
  dumpField("VM_INSTRUCTION_ERROR", VmcsField.VM_INSTRUCTION_ERROR);
  dumpField("EXIT_REASON", VmcsField.EXIT_REASON);
  dumpField("VM_EXIT_INTERRUPTION_INFORMATION", VmcsField.VM_EXIT_INTERRUPTION_INFORMATION);
  dumpField("VM_EXIT_INTERRUPTION_ERROR_CODE", VmcsField.VM_EXIT_INTERRUPTION_ERROR_CODE);
  dumpField("IDT_VECTORING_INFORMATION", VmcsField.IDT_VECTORING_INFORMATION);
  dumpField("IDT_VECTORING_ERROR_CODE", VmcsField.IDT_VECTORING_ERROR_CODE);
  dumpField("VM_EXIT_INSTRUCTION_LENGTH", VmcsField.VM_EXIT_INSTRUCTION_LENGTH);
  dumpField("VM_EXIT_INSTRUCTION_INFORMATION", VmcsField.VM_EXIT_INSTRUCTION_INFORMATION);
  dumpField("VMX_PREEMPTION_TIMER_VALUE", VmcsField.VMX_PREEMPTION_TIMER_VALUE);
  dumpField("CR0_GUEST_HOST_MASK", VmcsField.CR0_GUEST_HOST_MASK);
  dumpField("CR4_GUEST_HOST_MASK", VmcsField.CR4_GUEST_HOST_MASK);
  dumpField("CR0_READ_SHADOW", VmcsField.CR0_READ_SHADOW);
  dumpField("CR4_READ_SHADOW", VmcsField.CR4_READ_SHADOW);
  dumpField("EXIT_QUALIFICATION", VmcsField.EXIT_QUALIFICATION);
  dumpField("GUEST_LINEAR_ADDRESS", VmcsField.GUEST_LINEAR_ADDRESS);
}

function dumpGuestState(): void {
  dumpField("GUEST_ES_SELECTOR", VmcsField.GUEST_ES_SELECTOR);
  dumpField("GUEST_CS_SELECTOR", VmcsField.GUEST_CS_SELECTOR);
  dumpField("GUEST_SS_SELECTOR", VmcsField.GUEST_SS_SELECTOR);
  dumpField("GUEST_DS_SELECTOR", VmcsField.GUEST_DS_SELECTOR);
  dumpField("GUEST_FS_SELECTOR", VmcsField.GUEST_FS_SELECTOR);
  dumpField("GUEST_GS_SELECTOR", VmcsField.GUEST_GS_SELECTOR);
  dumpField("GUEST_LDTR_SELECTOR", VmcsField.GUEST_LDTR_SELECTOR);
  dumpField("GUEST_TR_SELECTOR", VmcsField.GUEST_TR_SELECTOR);
  dumpField("GUEST_IA32_DEBUGCTL", VmcsField.GUEST_IA32_DEBUGCTL);
  dumpField("GUEST_IA32_PAT", VmcsField.GUEST_IA32_PAT);
  dumpField("GUEST_IA32_EFER", VmcsField.GUEST_IA32_EFER);
  dumpField("GUEST_PDPTE0", VmcsField.GUEST_PDPTE0);
  dumpField("GUEST_PDPTE1", VmcsField.GUEST_PDPTE1);
  dumpField("GUEST_PDPTE2", VmcsField.GUEST_PDPTE2);
  dumpField("GUEST_PDPTE3", VmcsField.GUEST_PDPTE3);
  dumpField("GUEST_ES_LIMIT", VmcsField.GUEST_ES_LIMIT);
  dumpField("GUEST_CS_LIMIT", VmcsField.GUEST_CS_LIMIT);
  dumpField("GUEST_SS_LIMIT", VmcsField.GUEST_SS_LIMIT);
  dumpField("GUEST_DS_LIMIT", VmcsField.GUEST_DS_LIMIT);
  dumpField("GUEST_FS_LIMIT", VmcsField.GUEST_FS_LIMIT);
  dumpField("GUEST_GS_LIMIT", VmcsField.GUEST_GS_LIMIT);
  dumpField("GUEST_LDTR_LIMIT", VmcsField.GUEST_LDTR_LIMIT);
  dumpField("GUEST_TR_LIMIT", VmcsField.GUEST_TR_LIMIT);
  dumpField("GUEST_GDTR_LIMIT", VmcsField.GUEST_GDTR_LIMIT);
  dumpField("GUEST_IDTR_LIMIT", VmcsField.GUEST_IDTR_LIMIT);
  dumpField("GUEST_ES_ACCESS_RIGHTS", VmcsField.GUEST_ES_ACCESS_RIGHTS);
  dumpField("GUEST_CS_ACCESS_RIGHTS", VmcsField.GUEST_CS_ACCESS_RIGHTS);
  dumpField("GUEST_SS_ACCESS_RIGHTS", VmcsField.GUEST_SS_ACCESS_RIGHTS);
  dumpField("GUEST_DS_ACCESS_RIGHTS", VmcsField.GUEST_DS_ACCESS_RIGHTS);
  dumpField("GUEST_FS_ACCESS_RIGHTS", VmcsField.GUEST_FS_ACCESS_RIGHTS);
  dumpField("GUEST_GS_ACCESS_RIGHTS", VmcsField.GUEST_GS_ACCESS_RIGHTS);
  dumpField("GUEST_LDTR_ACCESS_RIGHTS", VmcsField.GUEST_LDTR_ACCESS_RIGHTS);
  dumpField("GUEST_TR_ACCESS_RIGHTS", VmcsField.GUEST_TR_ACCESS_RIGHTS);
  dumpField("GUEST_INTERRUPTIBILITY", VmcsField.GUEST_INTERRUPTIBILITY);
  dumpField("GUEST_ACTIVITY_STATE", VmcsField.GUEST_ACTIVITY_STATE);
  dumpField("GUEST_SYSENTER_CS", VmcsField.GUEST_SYSENTER_CS);
  dumpField("GUEST_CR0", VmcsField.GUEST_CR0);
  dumpField("GUEST_CR3", VmcsField.GUEST_CR3);
  dumpField("GUEST_CR4", VmcsField.GUEST_CR4);
  dumpField("GUEST_ES_BASE", VmcsField.GUEST_ES_BASE);
  dumpField("GUEST_CS_BASE", VmcsField.GUEST_CS_BASE);
  dumpField("GUEST_SS_BASE", VmcsField.GUEST_SS_BASE);
  dumpField("GUEST_DS_BASE", VmcsField.GUEST_DS_BASE);
  dumpField("GUEST_FS_BASE", VmcsField.GUEST_FS_BASE);
  dumpField("GUEST_GS_BASE", VmcsField.GUEST_GS_BASE);
  dumpField("GUEST_LDTR_BASE", VmcsField.GUEST_LDTR_BASE);
  dumpField("GUEST_TR_BASE", VmcsField.GUEST_TR_BASE);
  dumpField("GUEST_GDTR_BASE", VmcsField.GUEST_GDTR_BASE);
  dumpField("GUEST_IDTR_BASE", VmcsField.GUEST_IDTR_BASE);
  dumpField("GUEST_DR7", VmcsField.GUEST_DR7);
  dumpField("GUEST_RSP", VmcsField.GUEST_RSP);
  dumpField("GUEST_RIP", VmcsField.GUEST_RIP);
  dumpField("GUEST_RFLAGS", VmcsField.GUEST_RFLAGS);
  dumpField("GUEST_PENDING_DEBUG_EXCEPTIONS", VmcsField.GUEST_PENDING_DEBUG_EXCEPTIONS);
  dumpField("GUEST_SYSENTER_ESP", VmcsField.GUEST_SYSENTER_ESP);
  dumpField("GUEST_SYSENTER_EIP", VmcsField.GUEST_SYSENTER_EIP);
}

function dumpHostState(): void {
  dumpField("HOST_ES_SELECTOR", VmcsField.HOST_ES_SELECTOR);
  dumpField("HOST_CS_SELECTOR", VmcsField.HOST_CS_SELECTOR);
  dumpField("HOST_SS_SELECTOR", VmcsField.HOST_SS_SELECTOR);
  dumpField("HOST_DS_SELECTOR", VmcsField.HOST_DS_SELECTOR);
  dumpField("HOST_FS_SELECTOR", VmcsField.HOST_FS_SELECTOR);
  dumpField("HOST_GS_SELECTOR", VmcsField.HOST_GS_SELECTOR);
  dumpField("HOST_TR_SELECTOR", VmcsField.HOST_TR_SELECTOR);
  dumpField("HOST_IA32_PAT", VmcsField.HOST_IA32_PAT);
  dumpField("HOST_IA32_EFER", VmcsField.HOST_IA32_EFER);
  dumpField("HOST_SYSENTER_CS", VmcsField.HOST_SYSENTER_CS);
  dumpField("HOST_CR0", VmcsField.HOST_CR0);
  dumpField("HOST_CR3", VmcsField.HOST_CR3);
  dumpField("HOST_CR4", VmcsField.HOST_CR4);
  dumpField("HOST_FS_BASE", VmcsField.HOST_FS_BASE);
  dumpField("HOST_GS_BASE", VmcsField.HOST_GS_BASE);
  dumpField("HOST_TR_BASE", VmcsField.HOST_TR_BASE);
  dumpField("HOST_GDTR_BASE", VmcsField.HOST_GDTR_BASE);
  dumpField("HOST_IDTR_BASE", VmcsField.HOST_IDTR_BASE);
  dumpField("HOST_SYSENTER_ESP", VmcsField.HOST_SYSENTER_ESP);
  dumpField("HOST_SYSENTER_EIP", VmcsField.HOST_SYSENTER_EIP);
  dumpField("HOST_RSP", VmcsField.HOST_RSP);
  dumpField("HOST_RIP", VmcsField.HOST_RIP);
}
