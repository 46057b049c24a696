// CPUID of a vCPU, made from the processor's answer in Mailbox.Cpuid.

import { CPUID_HYPERVISOR, HIGHEST_BASIC_LEAF, HIGHEST_EXTENDED_LEAF } from "../interface";
import { showExtendedState } from "./extended-state";
import { showExtendedFeatures, showFeatures, showStructuredFeatures } from "./features";
import { mailboxLeaf, setLeaf } from "./leaf";
import { showCache, showTopology } from "./topology";

const LEAF6_EAX_ARAT: u32 = 1 << 2; // the deadline timer never stops
const EXTENDED7_EDX_INVARIANT_TSC: u32 = 1 << 8;
const ADDRESS_SIZES: u32 = 0xffff; // physical and linear address bits
// "BulkheadBulk" in EBX, ECX, EDX.
const NAME_BULK: u32 = 0x6b6c7542;
const NAME_HEAD: u32 = 0x64616568;

/** `controls`: mask of CpuidControl; `enabledXcr0`: XCR0 as the guest has set it. */
export function answerCpuid(vcpu: u32, leaf: u32, subleaf: u32, controls: u32, enabledXcr0: u64): void {
  const answer = mailboxLeaf();
  switch (leaf) {
    // Leaves 15H and 16H, which mislead under Bochs and nested KVM, lie above the highest.
    case 0: answer.eax = min(answer.eax, HIGHEST_BASIC_LEAF); return;
    case 1: return showFeatures(answer, vcpu, controls);
    case 2: return;
    case 4: return showCache(answer);
    case 6: return setLeaf(answer, LEAF6_EAX_ARAT, 0, 0, 0);
    case 7: return subleaf == 0 ? showStructuredFeatures(answer, controls) : setLeaf(answer, 0, 0, 0, 0);
    case 0xb: return showTopology(answer, vcpu, subleaf);
    case 0xd: return showExtendedState(answer, subleaf, enabledXcr0);
    case CPUID_HYPERVISOR: return setLeaf(answer, CPUID_HYPERVISOR, NAME_BULK, NAME_HEAD, NAME_BULK);
    case 0x80000000: answer.eax = min(answer.eax, HIGHEST_EXTENDED_LEAF); return;
    case 0x80000001: return showExtendedFeatures(answer, controls);
    case 0x80000002:
    case 0x80000003:
    case 0x80000004:
    case 0x80000005:
    case 0x80000006: return;
    case 0x80000007: return setLeaf(answer, 0, 0, 0, answer.edx & EXTENDED7_EDX_INVARIANT_TSC);
    case 0x80000008: return setLeaf(answer, answer.eax & ADDRESS_SIZES, 0, 0, 0);
    default: return setLeaf(answer, 0, 0, 0, 0);
  }
}
