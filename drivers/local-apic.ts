// Local APIC of this core, SDM 3A chapter 11: x2APIC mode where the processor has it, else xAPIC.

import { cpuid, mfence, pause, rdmsr, wrmsr } from "../kernel/cpu/processor";
import { load32, store32 } from "../kernel/memory/physical";
import { HostVector } from "./vectors";

const IA32_APIC_BASE: u32 = 0x1b;
const APIC_BASE_X2APIC: u64 = 1 << 10; // EXTD
const APIC_BASE_ENABLE: u64 = 1 << 11; // EN
const APIC_BASE_ADDRESS: u64 = 0xffffff000;

/** CPUID.01H:ECX. */
const CPUID_X2APIC: u32 = 1 << 21;

/** MSR of the register at xAPIC offset 0. */
const X2APIC_MSR_BASE: u32 = 0x800;

/** Offsets of the xAPIC registers; the x2APIC MSR is X2APIC_MSR_BASE + offset / 16. SDM 3A 11.4.1. */
const enum Register {
  Id = 0x020,
  TaskPriority = 0x080, // TPR
  EndOfInterrupt = 0x0b0, // EOI
  SpuriousVector = 0x0f0, // SVR
  ErrorStatus = 0x280, // ESR
  LvtMachineCheck = 0x2f0, // LVT CMCI
  CommandLow = 0x300, // ICR; the whole 64 bits in x2APIC mode
  CommandHigh = 0x310,
  LvtTimer = 0x320,
  LvtThermal = 0x330,
  LvtPerformance = 0x340,
  LvtLint0 = 0x350,
  LvtError = 0x370,
  Version = 0x030,
}

const SVR_ENABLE: u32 = 1 << 8;
const LVT_MASKED: u32 = 1 << 16;

/** ICR, SDM 3A 11.6.1. */
const enum Command {
  DeliveryFixed = 0 << 8,
  DeliveryInit = 5 << 8,
  DeliveryStartup = 6 << 8,
  Pending = 1 << 12, // delivery status
  Assert = 1 << 14,
  LevelTriggered = 1 << 15,
}

/** Reads of ICR before an interprocessor interrupt counts as not sent; it takes a few hundred cycles. */
const SEND_WAIT_READS: u32 = 1_000_000;

export const enum SendStatus {
  Sent = 0,
  /** Delivery status of the ICR stayed pending. */
  StillPending = 1,
}

// EAX, EBX, ECX, EDX of CPUID
const registers: usize = memory.data(16);

let isX2Apic: bool = false;
/** Physical address of the xAPIC registers. */
let base: u64 = 0;

function read(register: Register): u32 {
  if (isX2Apic) return <u32>rdmsr(X2APIC_MSR_BASE + (<u32>register >> 4));
  return load32(base + <u64>register);
}

function write(register: Register, value: u32): void {
  if (isX2Apic) wrmsr(X2APIC_MSR_BASE + (<u32>register >> 4), value);
  else store32(base + <u64>register, value);
}

function hasX2Apic(): bool {
  cpuid(1, 0, registers);
  return (load<u32>(registers, 8) & CPUID_X2APIC) != 0;
}

/** Finds this core's local APIC without a change to it, so that identifier() can be asked; IA32_APIC_BASE. */
export function find(): u64 {
  const apicBase = rdmsr(IA32_APIC_BASE);
  base = apicBase & APIC_BASE_ADDRESS;
  isX2Apic = (apicBase & APIC_BASE_X2APIC) != 0;
  return apicBase;
}

/** Enables this core's local APIC with its own interrupt sources masked; NMIs by LINT1 stay as firmware set them. */
export function enable(): void {
  const apicBase = find();
  isX2Apic = usesMsrs();
  // x2APIC mode can only be entered from xAPIC mode, SDM 3A 11.12.5.
  wrmsr(IA32_APIC_BASE, apicBase | APIC_BASE_ENABLE);
  if (isX2Apic) wrmsr(IA32_APIC_BASE, apicBase | APIC_BASE_ENABLE | APIC_BASE_X2APIC);

  write(Register.SpuriousVector, SVR_ENABLE | HostVector.Spurious);
  maskLocalSources();
  write(Register.TaskPriority, 0);
  write(Register.ErrorStatus, 0);
}

/** Bits 23:16 of the version register tell how many LVT entries there are, SDM 3A 11.4.8. */
function maskLocalSources(): void {
  const last = (read(Register.Version) >> 16) & 0xff;
  write(Register.LvtTimer, LVT_MASKED);
  write(Register.LvtLint0, LVT_MASKED);
  write(Register.LvtError, LVT_MASKED);
  if (last >= 4) write(Register.LvtPerformance, LVT_MASKED);
  if (last >= 5) write(Register.LvtThermal, LVT_MASKED);
  if (last >= 6) write(Register.LvtMachineCheck, LVT_MASKED);
}

/** True if this core's APIC is reached by MSRs once it is enabled, so that its page need not be mapped. */
export function usesMsrs(): bool { return isX2Apic || hasX2Apic(); }

/** Physical address of the xAPIC registers. */
export function registersAddress(): u64 { return base; }

/** APIC identifier of this core. */
export function identifier(): u32 {
  const id = read(Register.Id);
  return isX2Apic ? id : id >> 24;
}

export function endOfInterrupt(): void {
  write(Register.EndOfInterrupt, 0);
}

function send(apicId: u32, command: u32): SendStatus {
  if (isX2Apic) {
    // WRMSR to the x2APIC does not wait for earlier stores, SDM 3A 11.12.3.
    mfence();
    wrmsr(X2APIC_MSR_BASE + (Register.CommandLow >> 4), (<u64>apicId << 32) | command);
    return SendStatus.Sent;
  }
  write(Register.CommandHigh, apicId << 24);
  write(Register.CommandLow, command);
  for (let reads: u32 = 0; reads < SEND_WAIT_READS; reads++) {
    if (!(read(Register.CommandLow) & Command.Pending)) return SendStatus.Sent;
    pause();
  }
  return SendStatus.StillPending;
}

export function sendInit(apicId: u32): SendStatus {
  return send(apicId, Command.DeliveryInit | Command.Assert | Command.LevelTriggered);
}

/** Starts a core after INIT at physical address `page` * 4096. */
export function sendStartup(apicId: u32, page: u32): SendStatus {
  return send(apicId, Command.DeliveryStartup | Command.Assert | (page & 0xff));
}

export function sendFixed(apicId: u32, vector: u32): SendStatus {
  return send(apicId, Command.DeliveryFixed | Command.Assert | (vector & 0xff));
}
