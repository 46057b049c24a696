// MSRs of the local APIC: IA32_APIC_BASE, IA32_TSC_DEADLINE and the x2APIC registers (SDM 3A 11.12). All others are passed on.

import { AccessStatus, IO_APIC_BASE, LOCAL_APIC_PAGE, PCI_WINDOW_BASE, PCI_WINDOW_END } from "../../interface";
import { lowMemory } from "../../configuration";
import { readPlatformMsr, writePlatformMsr } from "../msr/platform-msr";
import { setStatus } from "../status";
import { COMMAND_WRITABLE, sendCommand, sendSelf } from "./command";
import { isReadable, lvtWritable, readRegister, SPURIOUS_WRITABLE, writeEndOfInterrupt, writeRegister } from "./registers";
import { resetLocalApic, setIdentifiers } from "./reset";
import { ApicBase, isExtended, isGloballyEnabled, localApic } from "./state";
import { readTscDeadline, writeTscDeadline } from "./timer";
import { setApicBase } from "../vcpu-mailbox";
import { refreshMode } from "./virtualised";
import { Register, register, setRegister } from "./virtual-apic-page";

export const enum ApicMsr {
  Base = 0x1b,
  TscDeadline = 0x6e0,
  First = 0x800,
  EndOfInterrupt = 0x80b,
  Command = 0x830,
  Last = 0x8ff,
}

/** Read-only and not reserved: software may write them back. */
const DELIVERY_STATUS: u32 = 1 << 12;
const REMOTE_IRR: u32 = 1 << 14; // LVT LINT0 and LINT1

const BASE_WRITABLE: u64 = LOCAL_APIC_PAGE | ApicBase.Bsp | ApicBase.Extd | ApicBase.Enable;

function generalProtection(): void {
  setStatus(AccessStatus.GeneralProtection);
}

// @ts-ignore: decorator
@inline function registerOffset(index: u32): u32 {
  return (index - ApicMsr.First) << 4;
}

function isApicMsr(index: u32): bool {
  return index == ApicMsr.TscDeadline || index == ApicMsr.Base || (index >= <u32>ApicMsr.First && index <= <u32>ApicMsr.Last);
}

function readExtendedRegister(vcpu: u32, offset: u32): u64 {
  if (offset == Register.CommandLow) return (<u64>register(vcpu, Register.CommandHigh) << 32) | register(vcpu, Register.CommandLow);
  if (offset != Register.CommandHigh && isReadable(offset)) return readRegister(vcpu, offset);
  generalProtection();
  return 0;
}

export function readApicMsr(vcpu: u32, index: u32): u64 {
  if (!isApicMsr(index)) return readPlatformMsr(vcpu, index);
  setStatus(AccessStatus.Done);
  if (index == ApicMsr.TscDeadline) return readTscDeadline(vcpu);
  if (index == ApicMsr.Base) return localApic(vcpu).base;
  if (isExtended(vcpu)) return readExtendedRegister(vcpu, registerOffset(index));
  generalProtection();
  return 0;
}

/** Bits of a 32-bit x2APIC register that may be set in a write; a register that cannot be written has none. */
function writableBits(offset: u32): u32 {
  if (offset >= <u32>Register.LvtTimer && offset <= <u32>Register.LvtError) {
    const remoteIrr = offset == Register.LvtLint0 || offset == Register.LvtLint1 ? REMOTE_IRR : 0;
    return lvtWritable(offset) | DELIVERY_STATUS | remoteIrr;
  }
  switch (offset) {
    case Register.TaskPriority:
    case Register.SelfIpi: return 0xff;
    case Register.Spurious: return SPURIOUS_WRITABLE;
    case Register.InitialCount: return 0xffffffff;
    case Register.DivideConfiguration: return 0xb;
    default: return 0;
  }
}

function isWritable(offset: u32): bool {
  return offset == Register.EndOfInterrupt || offset == Register.ErrorStatus || writableBits(offset) != 0;
}

function writeCommand(vcpu: u32, value: u64): void {
  if (((<u32>value) & ~(COMMAND_WRITABLE | DELIVERY_STATUS)) != 0) {
    generalProtection();
    return;
  }
  setRegister(vcpu, Register.CommandHigh, <u32>(value >> 32));
  sendCommand(vcpu, <u32>value, <u32>(value >> 32));
}

function writeExtendedRegister(vcpu: u32, offset: u32, value: u64): void {
  if (offset == Register.CommandLow) {
    writeCommand(vcpu, value);
    return;
  }
  if (!isWritable(offset) || (value & ~(<u64>writableBits(offset))) != 0) {
    generalProtection();
    return;
  }
  if (offset == Register.SelfIpi) sendSelf(vcpu, <u32>value);
  else writeRegister(vcpu, offset, <u32>value);
}

/** The page moves to where neither RAM nor another device is: below or above the PCI window (SDM 3A 11.4.5). */
function canMoveTo(page: u64): bool {
  return page != IO_APIC_BASE && (page >= PCI_WINDOW_END || (page >= lowMemory() && page < PCI_WINDOW_BASE));
}

/** Legal changes of mode only (SDM 3A figure 11-27). */
function isLegalBase(vcpu: u32, value: u64): bool {
  if ((value & ~BASE_WRITABLE) != 0 || !canMoveTo(value & LOCAL_APIC_PAGE)) return false;
  const enable = (value & ApicBase.Enable) != 0;
  return (value & ApicBase.Extd) != 0 ? enable && isGloballyEnabled(vcpu) : !(enable && isExtended(vcpu));
}

/** The boot-processor bit is not software's to change. */
function writeBase(vcpu: u32, value: u64): void {
  const apic = localApic(vcpu);
  if (!isLegalBase(vcpu, value)) {
    generalProtection();
    return;
  }
  const wasEnabled = isGloballyEnabled(vcpu);
  const wasExtended = isExtended(vcpu);
  apic.base = (apic.base & ApicBase.Bsp) | (value & ~(<u64>ApicBase.Bsp));
  setApicBase(vcpu, apic.base);
  refreshMode(vcpu);
  if (isGloballyEnabled(vcpu) != wasEnabled) resetLocalApic(vcpu);
  if (!isExtended(vcpu) || wasExtended) return;
  setIdentifiers(vcpu);
  setRegister(vcpu, Register.CommandHigh, 0);
}

export function writeApicMsr(vcpu: u32, index: u32, value: u64): void {
  setStatus(AccessStatus.Done);
  if (index == ApicMsr.Command && isExtended(vcpu)) {
    writeCommand(vcpu, value);
    return;
  }
  if (index == ApicMsr.TscDeadline) {
    writeTscDeadline(vcpu, value);
    return;
  }
  if (!isApicMsr(index)) {
    writePlatformMsr(vcpu, index, value);
    return;
  }
  if (index == ApicMsr.Base) {
    writeBase(vcpu, value);
    return;
  }
  if (!isExtended(vcpu)) {
    generalProtection();
    return;
  }
  if (index == ApicMsr.EndOfInterrupt && value == 0) writeEndOfInterrupt(vcpu);
  else writeExtendedRegister(vcpu, registerOffset(index), value);
}
