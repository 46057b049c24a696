// Host-state area of the VMCS: what the core returns to at a VM exit, SDM 3C 25.5.

import { exitEntry, hostStack, idtBase } from "../../boot/stub";
import { CORE_BASE, CoreData, CorePage, KERNEL_MEMORY, PAGE_SIZE, Selector } from "../../memory/layout";
import { Msr } from "../msr-index";
import { rdmsr, readCr0, readCr3, readCr4 } from "../processor";
import { VmcsField } from "./field";
import { vmwrite } from "./instructions";

/** Writes the host state from the registers of this core as they are now; CR3 must already be final. */
export function writeHostState(): void {
  const coreData = CORE_BASE + <u64>CorePage.CoreData * PAGE_SIZE;
  vmwrite(VmcsField.HOST_CR0, readCr0());
  vmwrite(VmcsField.HOST_CR3, readCr3());
  vmwrite(VmcsField.HOST_CR4, readCr4());
  vmwrite(VmcsField.HOST_CS_SELECTOR, Selector.Code);
  vmwrite(VmcsField.HOST_SS_SELECTOR, Selector.Data);
  vmwrite(VmcsField.HOST_DS_SELECTOR, 0);
  vmwrite(VmcsField.HOST_ES_SELECTOR, 0);
  vmwrite(VmcsField.HOST_FS_SELECTOR, 0);
  vmwrite(VmcsField.HOST_GS_SELECTOR, 0);
  vmwrite(VmcsField.HOST_TR_SELECTOR, Selector.Tss);
  vmwrite(VmcsField.HOST_FS_BASE, 0);
  vmwrite(VmcsField.HOST_GS_BASE, KERNEL_MEMORY);
  vmwrite(VmcsField.HOST_TR_BASE, coreData + <u64>CoreData.Tss);
  vmwrite(VmcsField.HOST_GDTR_BASE, coreData + <u64>CoreData.Gdt);
  vmwrite(VmcsField.HOST_IDTR_BASE, idtBase());
  vmwrite(VmcsField.HOST_SYSENTER_CS, 0);
  vmwrite(VmcsField.HOST_SYSENTER_ESP, 0);
  vmwrite(VmcsField.HOST_SYSENTER_EIP, 0);
  vmwrite(VmcsField.HOST_IA32_PAT, rdmsr(Msr.IA32_PAT));
  vmwrite(VmcsField.HOST_IA32_EFER, rdmsr(Msr.IA32_EFER));
  vmwrite(VmcsField.HOST_RSP, hostStack());
  vmwrite(VmcsField.HOST_RIP, exitEntry());
}
