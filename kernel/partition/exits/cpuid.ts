// CPUID: answered from the partition's table, or by its monitor.

import { CPUID_HYPERVISOR, HIGHEST_BASIC_LEAF, HIGHEST_EXTENDED_LEAF } from "../../../monitor/interface";
import { advance } from "../../cpu/backend";
import { Register, readRegister, writeRegister } from "../../cpu/registers";
import { CpuidLeaf, askMonitor, basicLeaf, extendedLeaf, hypervisorLeaf } from "../cpuid";

const EXTENDED_FIRST: u32 = 0x80000000;
/** Leaves whose answer depends on ECX or on the guest's state. */
const VARIABLE_LEAVES: u32 = (1 << 0x1) | (1 << 0x4) | (1 << 0x7) | (1 << 0xb) | (1 << 0xd);

const scratch = memory.data(16, 8);

export function onCpuid(): void {
  const leaf = <u32>readRegister(Register.RAX);
  if (leaf <= HIGHEST_BASIC_LEAF) {
    if ((VARIABLE_LEAVES >> leaf) & 1) answerVariable(leaf);
    else answer(basicLeaf(leaf));
  } else if (leaf - EXTENDED_FIRST <= HIGHEST_EXTENDED_LEAF - EXTENDED_FIRST) {
    answer(extendedLeaf(leaf));
  } else if (leaf == CPUID_HYPERVISOR) {
    answer(hypervisorLeaf());
  } else {
    // Beyond the highest leaf the processor answers with the highest basic one (SDM 2A CPUID).
    answerVariable(basicLeaf(0).eax);
  }
  advance();
}

// @ts-ignore: decorator
@inline
function answer(entry: CpuidLeaf): void {
  writeRegister(Register.RAX, entry.eax);
  writeRegister(Register.RBX, entry.ebx);
  writeRegister(Register.RCX, entry.ecx);
  writeRegister(Register.RDX, entry.edx);
}

function answerVariable(leaf: u32): void {
  const entry = changetype<CpuidLeaf>(scratch);
  askMonitor(leaf, <u32>readRegister(Register.RCX), entry);
  answer(entry);
}
