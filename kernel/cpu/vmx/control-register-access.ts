// Exits for MOV to and from control registers, CLTS and LMSW, SDM 3C table 28-3.

import * as taskPriority from "../../partition/exits/task-priority";
import { load64 } from "../../memory/physical";
import { guestToHost } from "../../partition/memory-grant";
import { beyondPhysicalAddress } from "../address-width";
import { Cr0, Cr4, Efer } from "../control-register";
import { Msr } from "../msr-index";
import { rdmsr } from "../processor";
import { EntryControl } from "./controls";
import { injectGeneralProtection, injectInvalidOpcode } from "./events";
import { VmcsField } from "./field";
import { vmread, vmwrite } from "./instructions";
import { flushGuestTranslations } from "./vmcs";
import { advance, readAnyRegister, writeAnyRegister } from "./vcpu";

/** CR0 bits the guest sees only as a shadow: NE must stay 1, and cache control is the kernel's. */
export const CR0_OWNED: u64 = Cr0.NE | Cr0.NW | Cr0.CD;
const CR0_DEFINED: u64 = 0xe005003f;
/** What a guest may set where the processor has it; all else, known or not, is reserved to it. */
const CR4_OFFERED: u64 = Cr4.VME | Cr4.PVI | Cr4.TSD | Cr4.DE | Cr4.PSE | Cr4.PAE | Cr4.MCE | Cr4.PGE | Cr4.PCE | Cr4.OSFXSR | Cr4.OSXMMEXCPT
  | Cr4.UMIP | Cr4.FSGSBASE | Cr4.PCIDE | Cr4.OSXSAVE | Cr4.SMEP | Cr4.SMAP;
const CS_ACCESS_LONG: u64 = 1 << 13;
/** L0 to L3 and LE, SDM 3B 18.2.4. */
const DR7_LOCAL: u64 = 0x155;
const PDPTE_PRESENT: u64 = 1 << 0;
/** Bits 1-2 and 5-8 of a PDPTE are reserved, and those above the physical address, SDM 3A 4.4.1. */
const PDPTE_RESERVED_LOW: u64 = 0x1e6;

const enum AccessType { MovTo = 0, MovFrom = 1, Clts = 2, Lmsw = 3 }

/** CR4 bits whose setting by the guest must exit: those it may not have, and VMXE, which the processor needs set. */
export function hostOwnedCr4(): u64 { return ~(rdmsr(Msr.IA32_VMX_CR4_FIXED1) & CR4_OFFERED); }

export function onControlRegisterAccess(): void {
  const qualification = vmread(VmcsField.EXIT_QUALIFICATION);
  const register = <u32>qualification & 0xf;
  const type = <u32>(qualification >> 4) & 3;
  const operand = <u32>(qualification >> 8) & 0xf;
  if (type == AccessType.Clts) return finish(writeCr0(shadowedCr0() & ~Cr0.TS));
  if (type == AccessType.Lmsw) return finish(writeCr0(loadMachineStatusWord((qualification >> 16) & 0xffff)));
  if (register == 8) return type == AccessType.MovTo ? moveToCr8(operand) : moveFromCr8(operand);
  if (type == AccessType.MovTo && register == 0) return finish(writeCr0(readAnyRegister(operand)));
  if (type == AccessType.MovTo && register == 4) return finish(writeCr4(readAnyRegister(operand)));
  injectInvalidOpcode();
}

function finish(valid: bool): void {
  if (valid) advance();
  else injectGeneralProtection();
}

/** CR0 as the guest reads it. */
export function shadowedCr0(): u64 {
  return (vmread(VmcsField.GUEST_CR0) & ~CR0_OWNED) | (vmread(VmcsField.CR0_READ_SHADOW) & CR0_OWNED);
}

/** LMSW changes PE, MP, EM and TS, and cannot clear PE (SDM 2A LMSW). */
function loadMachineStatusWord(word: u64): u64 {
  const old = shadowedCr0();
  return (old & ~<u64>0xe) | (word & 0xf) | (old & Cr0.PE);
}

/** Carries out a write to CR0; false if the processor would raise #GP(0) (SDM 3A 2.5 and 4.1.2). */
function writeCr0(value: u64): bool {
  if (value >> 32) return false;
  if ((value & Cr0.PG) && !(value & Cr0.PE)) return false;
  if ((value & Cr0.NW) && !(value & Cr0.CD)) return false;
  const changed = value ^ vmread(VmcsField.GUEST_CR0);
  if ((changed & Cr0.PG) && !switchPaging((value & Cr0.PG) != 0)) return false;
  // With a VPID the translations of before outlive the exit (SDM 3C 29.4.3.1).
  if (changed & Cr0.PG) flushGuestTranslations(vmread(VmcsField.VIRTUAL_PROCESSOR_ID));
  const defined = value & CR0_DEFINED;
  vmwrite(VmcsField.CR0_READ_SHADOW, defined | Cr0.ET);
  vmwrite(VmcsField.GUEST_CR0, (defined & ~CR0_OWNED) | Cr0.NE | Cr0.ET);
  return true;
}

/** Entering and leaving IA-32e mode follows PG while EFER.LME is set (SDM 3A 10.8.5). */
function switchPaging(enable: bool): bool {
  const efer = vmread(VmcsField.GUEST_IA32_EFER);
  const entryControls = vmread(VmcsField.VM_ENTRY_CONTROLS);
  const cr4 = vmread(VmcsField.GUEST_CR4);
  const inLongCode = (vmread(VmcsField.GUEST_CS_ACCESS_RIGHTS) & CS_ACCESS_LONG) != 0;
  if (!enable) {
    if (((efer & Efer.LMA) && inLongCode) || (cr4 & Cr4.PCIDE)) return false;
    vmwrite(VmcsField.GUEST_IA32_EFER, efer & ~Efer.LMA);
    vmwrite(VmcsField.VM_ENTRY_CONTROLS, entryControls & ~<u64>EntryControl.IA32E_MODE_GUEST);
    return true;
  }
  if (!(efer & Efer.LME)) return cr4 & Cr4.PAE ? loadPageDirectoryPointers() : true;
  if (!(cr4 & Cr4.PAE) || inLongCode) return false;
  vmwrite(VmcsField.GUEST_IA32_EFER, efer | Efer.LMA);
  vmwrite(VmcsField.VM_ENTRY_CONTROLS, entryControls | <u64>EntryControl.IA32E_MODE_GUEST);
  return true;
}

/** What another task changes besides its registers: address space, CR0.TS and DR7's local breakpoints (SDM 3A 8.3, 3B 18.2.4). */
export function enterTask(cr3: u64): void {
  vmwrite(VmcsField.GUEST_CR0, vmread(VmcsField.GUEST_CR0) | Cr0.TS);
  vmwrite(VmcsField.GUEST_DR7, vmread(VmcsField.GUEST_DR7) & ~DR7_LOCAL);
  if (!(vmread(VmcsField.GUEST_CR0) & Cr0.PG)) return;
  vmwrite(VmcsField.GUEST_CR3, cr3);
  flushGuestTranslations(vmread(VmcsField.VIRTUAL_PROCESSOR_ID));
  if (vmread(VmcsField.GUEST_CR4) & Cr4.PAE) loadPageDirectoryPointers();
}

/** With EPT a VM entry takes the PDPTEs of PAE paging from the VMCS (SDM 3C 27.3.2.4). */
function loadPageDirectoryPointers(): bool {
  const table = vmread(VmcsField.GUEST_CR3) & 0xffffffe0;
  const reserved = PDPTE_RESERVED_LOW | beyondPhysicalAddress();
  for (let index: u64 = 0; index < 4; index++) {
    const host = guestToHost(table + index * 8, 8);
    if (host == 0) return false;
    const entry = load64(host);
    if ((entry & PDPTE_PRESENT) && (entry & reserved)) return false;
    vmwrite(VmcsField.GUEST_PDPTE0 + index * 2, entry);
  }
  return true;
}

/** A write exits only when it changes an owned bit; a withheld one is reserved as far as the guest can tell. */
function writeCr4(value: u64): bool {
  const owned = hostOwnedCr4();
  if (value & owned) return false;
  vmwrite(VmcsField.CR4_READ_SHADOW, value);
  vmwrite(VmcsField.GUEST_CR4, value | rdmsr(Msr.IA32_VMX_CR4_FIXED0));
  return true;
}

function moveToCr8(operand: u32): void {
  const value = readAnyRegister(operand);
  if (value > 0xf) return injectGeneralProtection();
  taskPriority.write(<u32>value);
  advance();
}

function moveFromCr8(operand: u32): void {
  writeAnyRegister(operand, taskPriority.read());
  advance();
}
