// MSRs of the local APIC: IA32_APIC_BASE, IA32_TSC_DEADLINE and the x2APIC registers (SDM 3A 11.12).

import { AccessStatus, LOCAL_APIC_BASE } from "../../interface";
import { openBus, setStatus } from "../status";
import { COMMAND_WRITABLE, sendCommand, sendSelf } from "./command";
import { isReadable, lvtWritable, readRegister, Register, writeEndOfInterrupt, writeRegister } from "./registers";
import { extendedLogicalId, resetLocalApic } from "./reset";
import { ApicBase, isExtended, isGloballyEnabled, localApic } from "./state";
import { readTscDeadline, writeTscDeadline } from "./timer";
import { setApicBase } from "../vcpu-mailbox";

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
const LVT_READ_ONLY: u32 = DELIVERY_STATUS | (1 << 14); // and remote IRR

const BASE_WRITABLE: u64 = ApicBase.Bsp | ApicBase.Extd | ApicBase.Enable;

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
  const apic = localApic(vcpu);
  if (offset == Register.Identifier) return vcpu;
  if (offset == Register.CommandLow) return (<u64>apic.commandHigh << 32) | apic.commandLow;
  if (offset != Register.CommandHigh && isReadable(offset)) return readRegister(vcpu, offset);
  generalProtection();
  return 0;
}

export function readApicMsr(vcpu: u32, index: u32): u64 {
  if (!isApicMsr(index)) return openBus();
  setStatus(AccessStatus.Done);
  const apic = localApic(vcpu);
  if (index == ApicMsr.TscDeadline) return readTscDeadline(vcpu);
  if (index == ApicMsr.Base) return apic.base;
  if (isExtended(apic)) return readExtendedRegister(vcpu, registerOffset(index));
  generalProtection();
  return 0;
}

/** Bits of a 32-bit x2APIC register that may be set in a write; a register that cannot be written has none. */
function writableBits(offset: u32): u32 {
  if (offset >= <u32>Register.LvtTimer && offset <= <u32>Register.LvtError) {
    return lvtWritable((offset - Register.LvtTimer) >> 4) | LVT_READ_ONLY;
  }
  switch (offset) {
    case Register.TaskPriority:
    case Register.SelfIpi: return 0xff;
    case Register.Spurious: return 0x1ff;
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
  localApic(vcpu).commandHigh = <u32>(value >> 32);
  sendCommand(vcpu, <u32>value);
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

/** Legal changes of mode only (SDM 3A figure 11-27); the register page stays at its place. */
function writeBase(vcpu: u32, value: u64): void {
  const apic = localApic(vcpu);
  const enable = (value & ApicBase.Enable) != 0;
  const extended = (value & ApicBase.Extd) != 0;
  const wasExtended = isExtended(apic);
  const isLegal = extended ? enable && isGloballyEnabled(apic) : !(enable && wasExtended);
  if (!isLegal || (value & ~BASE_WRITABLE) != LOCAL_APIC_BASE) {
    generalProtection();
    return;
  }
  const wasEnabled = isGloballyEnabled(apic);
  apic.base = LOCAL_APIC_BASE | (apic.base & ApicBase.Bsp) | (value & (ApicBase.Extd | ApicBase.Enable));
  setApicBase(vcpu, apic.base);
  if (enable != wasEnabled) resetLocalApic(vcpu);
  if (!extended || wasExtended) return;
  apic.logicalDestination = extendedLogicalId(vcpu);
  apic.commandHigh = 0;
}

export function writeApicMsr(vcpu: u32, index: u32, value: u64): void {
  setStatus(AccessStatus.Done);
  if (index == ApicMsr.TscDeadline) {
    writeTscDeadline(vcpu, value);
    return;
  }
  if (!isApicMsr(index)) {
    openBus();
    return;
  }
  if (index == ApicMsr.Base) {
    writeBase(vcpu, value);
    return;
  }
  if (!isExtended(localApic(vcpu))) {
    generalProtection();
    return;
  }
  if (index == ApicMsr.EndOfInterrupt && value == 0) writeEndOfInterrupt(vcpu);
  else writeExtendedRegister(vcpu, registerOffset(index), value);
}
