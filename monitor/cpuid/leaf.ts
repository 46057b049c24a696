// One answer of CPUID, laid over Mailbox.Cpuid: the processor's before, the guest's after.

import { Mailbox } from "../interface";

@unmanaged
export class CpuidLeaf {
  eax: u32;
  ebx: u32;
  ecx: u32;
  edx: u32;
}

export function mailboxLeaf(): CpuidLeaf { return changetype<CpuidLeaf>(<usize>Mailbox.Cpuid); }

export function setLeaf(leaf: CpuidLeaf, eax: u32, ebx: u32, ecx: u32, edx: u32): void {
  leaf.eax = eax;
  leaf.ebx = ebx;
  leaf.ecx = ecx;
  leaf.edx = edx;
}
