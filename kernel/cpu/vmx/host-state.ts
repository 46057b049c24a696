// Host-state area of the VMCS: what the core returns to at a VM exit, SDM 3C 25.5.

import { ImageSymbol, imageAddress } from "../../boot/stub";
import { CORE_BASE, CoreData, CorePage, Fixed, IMAGE_BASE, KERNEL_MEMORY, PAGE_SIZE, Selector } from "../../memory/layout";
import { ON_EXIT } from "../mitigation-decision";
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
  vmwrite(VmcsField.HOST_IDTR_BASE, IMAGE_BASE + imageAddress(ImageSymbol.Idt));
  vmwrite(VmcsField.HOST_SYSENTER_CS, 0);
  vmwrite(VmcsField.HOST_SYSENTER_ESP, 0);
  vmwrite(VmcsField.HOST_SYSENTER_EIP, 0);
  vmwrite(VmcsField.HOST_IA32_PAT, rdmsr(Msr.IA32_PAT));
  vmwrite(VmcsField.HOST_IA32_EFER, rdmsr(Msr.IA32_EFER));
  vmwrite(VmcsField.HOST_RSP, CORE_BASE + <u64>CorePage.MainStackEnd * PAGE_SIZE);
  const guarded = (load<u32>(Fixed.Mitigations) & ON_EXIT) != 0;
  vmwrite(VmcsField.HOST_RIP, IMAGE_BASE + imageAddress(guarded ? ImageSymbol.GuardedExitEntry : ImageSymbol.ExitEntry));
}
