// Guest-state area of the VMCS at the start of a vCPU, SDM 3C 25.4, in a form that the entry checks of 27.3.1 accept.

import { Cr0, Cr4, Efer, Rflags } from "../control-register";
import { Msr } from "../msr-index";
import { Register, clearRegisters, writeRegister } from "../registers";
import { cpuid, rdmsr, wrmsr, writeCr2, writeDebug, xsetbv } from "../processor";
import { secondaryControls, vmEntryControls } from "./capability";
import { EntryControl, Secondary } from "./controls";
import { CR0_OWNED, hostOwnedCr4 } from "./control-register-access";
import { VmcsField } from "./field";
import { vmread, vmwrite } from "./instructions";

const ACCESS_UNUSABLE: u64 = 1 << 16;
const ACCESS_CODE32: u64 = 0xc09b; // present, execute/read, accessed, D, G
const ACCESS_CODE64: u64 = 0xa09b; // present, execute/read, accessed, L, G
const ACCESS_DATA: u64 = 0xc093; // present, read/write, accessed, B, G
const ACCESS_BUSY_TSS: u64 = 0x8b;
const ACCESS_REAL_CODE: u64 = 0x9b; // present, execute/read, accessed
const ACCESS_REAL_DATA: u64 = 0x93; // present, read/write, accessed
/** CS and IP after power-up, SDM 3A table 10-1. */
const RESET_SELECTOR: u64 = 0xf000;
const RESET_BASE: u64 = 0xffff0000;
const RESET_POINTER: u64 = 0xfff0;
const LIMIT_64K: u64 = 0xffff;
const REAL_VECTORS_LIMIT: u64 = 0x3ff;
const LIMIT_4G: u64 = 0xffffffff;
const PAT_RESET: u64 = 0x0007040600070406; // SDM 3A 12.12.4
const DR6_RESET: u64 = 0xffff0ff0;
const DR7_RESET: u64 = 0x400;
const CPUID_1_ECX_OSXSAVE: u32 = 1 << 27;
const NO_LINK: u64 = u64.MAX_VALUE;

const scratch = memory.data(16, 8);

/** Protected mode, flat segments, paging off: the start that the PVH and multiboot protocols ask for. */
export function startFlat32(rip: u64, rax: u64, rbx: u64): void {
  resetState();
  writeSegments(0x08, ACCESS_CODE32, 0x10);
  writeControlRegisters(Cr0.PE | Cr0.ET, 0, 0, 0);
  vmwrite(VmcsField.GUEST_RIP, rip);
  writeRegister(Register.RAX, rax);
  writeRegister(Register.RBX, rbx);
}

/** At the reset vector with the state after power-up: CS has a selector that does not match its base (SDM 3A 10.1.4). */
export function startReset(): void {
  enterRealMode(RESET_SELECTOR, RESET_BASE, RESET_POINTER);
  cpuid(1, 0, scratch);
  writeRegister(Register.RDX, load<u32>(scratch));
}

/** Real mode at the linear address `entry` below 1 MiB, data segments and stack at 0 (SDM 3B 21.1, unrestricted guest). */
export function startReal(entry: u64): void {
  const codeBase = entry <= LIMIT_64K ? 0 : entry & ~<u64>0xf;
  enterRealMode(codeBase >> 4, codeBase, entry - codeBase);
}

function enterRealMode(selector: u64, codeBase: u64, pointer: u64): void {
  resetState();
  writeSegments(0, ACCESS_REAL_CODE, 0);
  vmwrite(VmcsField.GUEST_CS_SELECTOR, selector);
  vmwrite(VmcsField.GUEST_CS_BASE, codeBase);
  vmwrite(VmcsField.GUEST_CS_LIMIT, LIMIT_64K);
  for (let segment: u64 = 0; segment <= 10; segment += 2) {
    if (segment == 2) continue;
    vmwrite(VmcsField.GUEST_ES_LIMIT + segment, LIMIT_64K);
    vmwrite(VmcsField.GUEST_ES_ACCESS_RIGHTS + segment, ACCESS_REAL_DATA);
  }
  vmwrite(VmcsField.GUEST_IDTR_LIMIT, REAL_VECTORS_LIMIT);
  writeControlRegisters(Cr0.ET, 0, 0, 0);
  vmwrite(VmcsField.GUEST_RIP, pointer);
}

/** Real mode at page `vector`, after INIT and SIPI: what an INIT leaves alone stays as it is (SDM 3A table 10-1 and 9.4.3). */
export function startUp(vector: u32): void {
  const cacheControl = vmread(VmcsField.CR0_READ_SHADOW) & (Cr0.CD | Cr0.NW);
  enterRealMode(<u64>vector << 8, <u64>vector << 12, 0);
  vmwrite(VmcsField.CR0_READ_SHADOW, Cr0.ET | cacheControl);
  cpuid(1, 0, scratch);
  writeRegister(Register.RDX, <u64>load<u32>(scratch));
}

/** 64-bit mode with the tables at `cr3` and the GDT at `gdt`: the start Linux's 64-bit boot protocol asks for. */
export function startLong64(rip: u64, rsp: u64, rsi: u64, cr3: u64, gdt: u64, gdtLimit: u64): void {
  resetState();
  writeSegments(0x10, ACCESS_CODE64, 0x18);
  writeControlRegisters(Cr0.PE | Cr0.ET | Cr0.PG, cr3, Cr4.PAE, Efer.LME | Efer.LMA);
  vmwrite(VmcsField.GUEST_GDTR_BASE, gdt);
  vmwrite(VmcsField.GUEST_GDTR_LIMIT, gdtLimit);
  vmwrite(VmcsField.GUEST_RIP, rip);
  vmwrite(VmcsField.GUEST_RSP, rsp);
  writeRegister(Register.RSI, rsi);
}

function resetState(): void {
  clearRegisters();
  writeCr2(0);
  for (let register: u32 = 0; register < 4; register++) writeDebug(register, 0);
  writeDebug(6, DR6_RESET);
  vmwrite(VmcsField.GUEST_RSP, 0);
  vmwrite(VmcsField.GUEST_RFLAGS, Rflags.FIXED);
  vmwrite(VmcsField.GUEST_DR7, DR7_RESET);
  vmwrite(VmcsField.GUEST_IA32_DEBUGCTL, 0);
  vmwrite(VmcsField.GUEST_INTERRUPTIBILITY, 0);
  vmwrite(VmcsField.GUEST_ACTIVITY_STATE, 0);
  vmwrite(VmcsField.GUEST_PENDING_DEBUG_EXCEPTIONS, 0);
  vmwrite(VmcsField.VMCS_LINK_POINTER, NO_LINK);
  vmwrite(VmcsField.VM_ENTRY_INTERRUPTION_INFORMATION, 0);
}

/**
 * Registers as after power-up that an INIT leaves alone. Some of them no VM entry loads: a vCPU has its core to itself, so they stay
 * in the processor.
 */
export function powerUp(): void {
  vmwrite(VmcsField.GUEST_IA32_PAT, PAT_RESET);
  vmwrite(VmcsField.GUEST_SYSENTER_CS, 0);
  vmwrite(VmcsField.GUEST_SYSENTER_ESP, 0);
  vmwrite(VmcsField.GUEST_SYSENTER_EIP, 0);
  vmwrite(VmcsField.CR0_READ_SHADOW, 0);
  wrmsr(Msr.IA32_STAR, 0);
  wrmsr(Msr.IA32_LSTAR, 0);
  wrmsr(Msr.IA32_CSTAR, 0);
  wrmsr(Msr.IA32_FMASK, 0);
  wrmsr(Msr.IA32_KERNEL_GS_BASE, 0);
  if (secondaryControls() & Secondary.ENABLE_RDTSCP) wrmsr(Msr.IA32_TSC_AUX, 0);
  cpuid(1, 0, scratch);
  if (load<u32>(scratch, 8) & CPUID_1_ECX_OSXSAVE) xsetbv(0, 1);
}

function writeControlRegisters(cr0: u64, cr3: u64, cr4: u64, efer: u64): void {
  vmwrite(VmcsField.CR0_GUEST_HOST_MASK, CR0_OWNED);
  vmwrite(VmcsField.CR0_READ_SHADOW, cr0);
  vmwrite(VmcsField.GUEST_CR0, cr0 | Cr0.NE);
  vmwrite(VmcsField.GUEST_CR3, cr3);
  vmwrite(VmcsField.CR4_GUEST_HOST_MASK, hostOwnedCr4());
  vmwrite(VmcsField.CR4_READ_SHADOW, cr4);
  vmwrite(VmcsField.GUEST_CR4, cr4 | rdmsr(Msr.IA32_VMX_CR4_FIXED0));
  vmwrite(VmcsField.GUEST_IA32_EFER, efer);
  const longMode = efer & Efer.LMA ? EntryControl.IA32E_MODE_GUEST : 0;
  vmwrite(VmcsField.VM_ENTRY_CONTROLS, vmEntryControls() | longMode);
}

function writeSegments(codeSelector: u64, codeAccess: u64, dataSelector: u64): void {
  vmwrite(VmcsField.GUEST_CS_SELECTOR, codeSelector);
  vmwrite(VmcsField.GUEST_CS_BASE, 0);
  vmwrite(VmcsField.GUEST_CS_LIMIT, LIMIT_4G);
  vmwrite(VmcsField.GUEST_CS_ACCESS_RIGHTS, codeAccess);
  // ES, SS, DS, FS and GS follow in encodings that step by 2, with CS between ES and SS.
  for (let segment: u64 = 0; segment <= 10; segment += 2) {
    if (segment == 2) continue;
    vmwrite(VmcsField.GUEST_ES_SELECTOR + segment, dataSelector);
    vmwrite(VmcsField.GUEST_ES_BASE + segment, 0);
    vmwrite(VmcsField.GUEST_ES_LIMIT + segment, LIMIT_4G);
    vmwrite(VmcsField.GUEST_ES_ACCESS_RIGHTS + segment, ACCESS_DATA);
  }
  vmwrite(VmcsField.GUEST_LDTR_SELECTOR, 0);
  vmwrite(VmcsField.GUEST_LDTR_BASE, 0);
  vmwrite(VmcsField.GUEST_LDTR_LIMIT, 0);
  vmwrite(VmcsField.GUEST_LDTR_ACCESS_RIGHTS, ACCESS_UNUSABLE);
  vmwrite(VmcsField.GUEST_TR_SELECTOR, 0);
  vmwrite(VmcsField.GUEST_TR_BASE, 0);
  vmwrite(VmcsField.GUEST_TR_LIMIT, 0x67);
  vmwrite(VmcsField.GUEST_TR_ACCESS_RIGHTS, ACCESS_BUSY_TSS);
  vmwrite(VmcsField.GUEST_GDTR_BASE, 0);
  vmwrite(VmcsField.GUEST_GDTR_LIMIT, 0);
  vmwrite(VmcsField.GUEST_IDTR_BASE, 0);
  vmwrite(VmcsField.GUEST_IDTR_LIMIT, 0);
}
