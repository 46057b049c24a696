// CPUID: answered from the partition's table.

import { VcpuMailbox } from "../../../monitor/interface";
import { advance, cr4 } from "../../cpu/backend";
import { Cr4 } from "../../cpu/control-register";
import { cpuid, xgetbv } from "../../cpu/processor";
import { Register, readRegister, writeRegister } from "../../cpu/registers";
import {
  BASIC_LEAVES, CpuidLeaf, EXTENDED_LEAVES, HYPERVISOR_LEAF, basicLeaf, extendedLeaf, hypervisorLeaf, identifierBits, identifierSpace, maximumBasicLeaf,
} from "../cpuid-table";
import { currentVcpu, vcpuCount, vcpuRecord } from "../current";
import { peek64 } from "../monitor";
import { areaSize, compactedAreaSize, grantedXcr0, isGranted } from "../xcr0";

const OSXSAVE: u32 = 1 << 27;
const APIC: u32 = 1 << 9;
/** Global enable of IA32_APIC_BASE. */
const APIC_ENABLE: u64 = 1 << 11;
const EXTENDED_FIRST: u32 = 0x80000000;
/** Leaves whose answer depends on ECX or on the guest's state. */
const VARIABLE_LEAVES: u32 = (1 << 0x1) | (1 << 0x4) | (1 << 0x7) | (1 << 0xb) | (1 << 0xd);

const LEAF_CACHES: u32 = 0x4;
const LEAF_FEATURES: u32 = 0x1;
const LEAF_TOPOLOGY: u32 = 0xb;
const LEAF_EXTENDED_STATE: u32 = 0xd;
const XSAVE_WITHOUT_SUPERVISOR: u32 = 7; // XSAVEOPT, XSAVEC, XGETBV of XCR0 & XINUSE

const scratch = memory.data(16, 8);

export function onCpuid(): void {
  const leaf = <u32>readRegister(Register.RAX);
  if (leaf < BASIC_LEAVES) {
    if ((VARIABLE_LEAVES >> leaf) & 1) answerVariable(leaf, <u32>readRegister(Register.RCX));
    else answer(basicLeaf(leaf));
  } else if (leaf - EXTENDED_FIRST < EXTENDED_LEAVES) {
    answer(extendedLeaf(leaf - EXTENDED_FIRST));
  } else if (leaf == HYPERVISOR_LEAF) {
    answer(hypervisorLeaf());
  } else {
    // Beyond the highest leaf the processor answers with the highest basic one (SDM 2A CPUID).
    answerVariable(maximumBasicLeaf(), <u32>readRegister(Register.RCX));
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

function answerVariable(leaf: u32, subleaf: u32): void {
  const entry = changetype<CpuidLeaf>(scratch);
  memory.copy(scratch, changetype<usize>(basicLeaf(leaf)), 16);
  if (leaf == LEAF_FEATURES) describeState(entry);
  else if (leaf == LEAF_CACHES) describeCache(subleaf);
  else if (leaf == LEAF_TOPOLOGY) describeTopology(entry, subleaf);
  else if (leaf == LEAF_EXTENDED_STATE) describeExtendedState(entry, subleaf);
  else if (subleaf != 0) memory.fill(scratch, 0, 16);
  answer(entry);
}

/** What the guest has switched on or off (SDM 2A CPUID, SDM 3A 11.4.3). */
function describeState(entry: CpuidLeaf): void {
  if (cr4() & Cr4.OSXSAVE) entry.ecx |= OSXSAVE;
  if (!(peek64(vcpuRecord() + VcpuMailbox.ApicBase) & APIC_ENABLE)) entry.edx &= ~APIC;
}

/** The caches of the real core, shared with no other logical processor of the partition. */
function describeCache(subleaf: u32): void {
  cpuid(LEAF_CACHES, subleaf, scratch);
  const entry = changetype<CpuidLeaf>(scratch);
  entry.eax = (entry.eax & 0x3fff) | ((identifierSpace() - 1) << 26); // EAX[31:26]: identifiers of cores in the package, less one
}

/** Level SMT of one thread, level core of all vCPUs (SDM 2A, leaf 0BH). */
function describeTopology(entry: CpuidLeaf, subleaf: u32): void {
  entry.eax = subleaf == 1 ? identifierBits() : 0;
  entry.ebx = subleaf == 0 ? 1 : subleaf == 1 ? vcpuCount() : 0;
  entry.ecx = subleaf | (subleaf < 2 ? (subleaf + 1) << 8 : 0);
  entry.edx = currentVcpu();
}

/** Sizes are for what the guest may enable and, in EBX, for what it has enabled: XCR0 in the processor is the guest's. */
function describeExtendedState(entry: CpuidLeaf, subleaf: u32): void {
  const granted = grantedXcr0();
  if (granted == 0 || (subleaf >= 2 && !isGranted(granted, subleaf))) {
    memory.fill(scratch, 0, 16);
    return;
  }
  const standardSize = areaSize(granted);
  const enabled = cr4() & Cr4.OSXSAVE ? xgetbv(0) : 1;
  const enabledSize = subleaf == 1 ? compactedAreaSize(enabled) : areaSize(enabled);
  cpuid(LEAF_EXTENDED_STATE, subleaf, scratch);
  if (subleaf >= 2) return;
  entry.eax = subleaf == 0 ? <u32>granted : entry.eax & XSAVE_WITHOUT_SUPERVISOR;
  entry.ebx = enabledSize;
  entry.ecx = subleaf == 0 ? standardSize : 0;
  entry.edx = subleaf == 0 ? <u32>(granted >> 32) : 0;
}
