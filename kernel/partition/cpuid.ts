// What a guest's CPUID says is its monitor's to decide: the kernel hands it the processor's answers, and keeps those that never change.

import {
  CPUID_HYPERVISOR, CpuidControl, FIRST_COMPONENT, HIGHEST_BASIC_LEAF, HIGHEST_EXTENDED_LEAF, LAST_COMPONENT, Mailbox,
} from "../../monitor/interface";
import { cr4, hasInvpcid, hasRdtscp } from "../cpu/backend";
import { physicalAddressBits } from "../cpu/address-width";
import { Cr4 } from "../cpu/control-register";
import { Msr } from "../cpu/msr-index";
import { cpuid, tryRdmsr, xgetbv } from "../cpu/processor";
import { currentVcpu } from "./current";
import { hasIntent } from "./intent";
import * as monitor from "./monitor";
import { settleMonitorCall } from "./monitor-call";
import { enterMonitor, leaveMonitor } from "./monitor-lock";
import { grantedXcr0 } from "./xcr0";

/** EAX, EBX, ECX, EDX. */
@unmanaged
export class CpuidLeaf {
  eax: u32;
  ebx: u32;
  ecx: u32;
  edx: u32;
}
const LEAF_SIZE: u32 = 16;
const EXTENDED_FIRST: u32 = 0x80000000;
const LEAF_EXTENDED_STATE: u32 = 0xd;
/** IA32_MISC_ENABLE. */
const FAST_STRINGS: u64 = 1 << 0;

// Leaves 0 to HIGHEST_BASIC_LEAF, EXTENDED_FIRST to HIGHEST_EXTENDED_LEAF, CPUID_HYPERVISOR.
const FIRST_EXTENDED_SLOT: u32 = HIGHEST_BASIC_LEAF + 1;
const HYPERVISOR_SLOT: u32 = FIRST_EXTENDED_SLOT + HIGHEST_EXTENDED_LEAF - EXTENDED_FIRST + 1;
const table: usize = memory.data(384, 8); // (HYPERVISOR_SLOT + 1) * LEAF_SIZE
const scratch: usize = memory.data(16, 8);

// @ts-ignore: decorator
@inline
function slot(number: u32): CpuidLeaf { return changetype<CpuidLeaf>(table + number * LEAF_SIZE); }
// @ts-ignore: decorator
@inline
export function basicLeaf(leaf: u32): CpuidLeaf { return slot(leaf); }
// @ts-ignore: decorator
@inline
export function extendedLeaf(leaf: u32): CpuidLeaf { return slot(FIRST_EXTENDED_SLOT + leaf - EXTENDED_FIRST); }
export function hypervisorLeaf(): CpuidLeaf { return slot(HYPERVISOR_SLOT); }

/** Before the monitor starts: what it must know of the processor. */
export function describeProcessor(): void {
  const hasFastStrings = tryRdmsr(Msr.IA32_MISC_ENABLE, scratch) != 0 && (load<u64>(scratch) & FAST_STRINGS) != 0;
  monitor.poke32(Mailbox.FastStrings, hasFastStrings ? 1 : 0);
  monitor.poke32(Mailbox.PhysicalAddressBits, <u32>physicalAddressBits());
  monitor.poke64(Mailbox.GrantedXcr0, grantedXcr0());
  if (grantedXcr0() == 0) return;
  for (let component = FIRST_COMPONENT; component <= LAST_COMPONENT; component++) {
    cpuid(LEAF_EXTENDED_STATE, component, scratch);
    for (let i: u32 = 0; i < 12; i += 4) monitor.poke32(Mailbox.StateComponents + (component - FIRST_COMPONENT) * 12 + i, load<u32>(scratch + i));
  }
}

/** Once the monitor has started: the answers that never change. Leaves the monitor. */
export function buildCpuidTable(): void {
  memory.fill(table, 0, (HYPERVISOR_SLOT + 1) * LEAF_SIZE);
  askMonitor(0, 0, basicLeaf(0));
  for (let leaf: u32 = 1; leaf <= basicLeaf(0).eax; leaf++) askMonitor(leaf, 0, basicLeaf(leaf));
  for (let leaf = EXTENDED_FIRST; leaf <= HIGHEST_EXTENDED_LEAF; leaf++) askMonitor(leaf, 0, extendedLeaf(leaf));
  askMonitor(CPUID_HYPERVISOR, 0, hypervisorLeaf());
  leaveMonitor();
}

/** Fills `answer` with what the guest is to see; XCR0 in the processor is the guest's. */
export function askMonitor(leaf: u32, subleaf: u32, answer: CpuidLeaf): void {
  const hasXsave = (cr4() & Cr4.OSXSAVE) != 0;
  const controls = (hasInvpcid() ? CpuidControl.Invpcid : 0) | (hasRdtscp() ? CpuidControl.Rdtscp : 0) | (hasXsave ? CpuidControl.OsXsave : 0);
  const place = changetype<usize>(answer);
  cpuid(leaf, subleaf, place);
  if (hasIntent() || !enterMonitor()) return; // the partition ends: nobody sees the answer
  for (let i: u32 = 0; i < LEAF_SIZE; i += 4) monitor.poke32(Mailbox.Cpuid + i, load<u32>(place + i));
  monitor.cpuid(currentVcpu(), leaf, subleaf, controls, hasXsave ? xgetbv(0) : 1);
  settleMonitorCall();
  for (let i: u32 = 0; i < LEAF_SIZE; i += 4) store<u32>(place + i, monitor.peek32(Mailbox.Cpuid + i));
}
