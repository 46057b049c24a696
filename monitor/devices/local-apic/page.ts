// The xAPIC register page (SDM 3A 11.4.1).

import { openBus, setStatus } from "../status";
import { AccessStatus } from "../../interface";
import { ApicError, reportError } from "./errors";
import { isReadable, readRegister, Register, writeEndOfInterrupt, writeRegister } from "./registers";
import { ApicBase, LocalApic, localApic } from "./state";

const IDENTIFIER_SHIFT: u32 = 24;
const FORMAT_RESERVED: u32 = 0x0fffffff;
const HIGH_BYTE: u32 = 0xff000000;

/** The page answers in xAPIC mode only. */
function answers(apic: LocalApic): bool {
  return (apic.base & (ApicBase.Enable | ApicBase.Extd)) == ApicBase.Enable;
}

function readPageRegister(vcpu: u32, offset: u32): u32 {
  switch (offset) {
    case Register.Identifier: return vcpu << IDENTIFIER_SHIFT;
    case Register.DestinationFormat: return localApic(vcpu).destinationFormat;
    case Register.ArbitrationPriority: return localApic(vcpu).processorPriority;
    case Register.EndOfInterrupt:
    case Register.RemoteRead: return 0;
  }
  if (isReadable(offset)) return readRegister(vcpu, offset);
  reportError(vcpu, ApicError.IllegalRegisterAddress);
  return 0;
}

/** Only the 32 bits at each multiple of 16 exist; what lies between reads 0. */
export function readPage(vcpu: u32, offset: u32): u64 {
  if (!answers(localApic(vcpu))) return openBus();
  setStatus(AccessStatus.Done);
  if ((offset & 0xc) != 0) return 0;
  return readPageRegister(vcpu, offset & 0xff0) >> ((offset & 3) << 3);
}

/** Writes to a register that is there but cannot be written vanish; they are no error. */
function isReadOnly(offset: u32): bool {
  switch (offset) {
    case Register.Identifier:
    case Register.ArbitrationPriority:
    case Register.RemoteRead: return true;
    default: return isReadable(offset);
  }
}

function writePageRegister(vcpu: u32, offset: u32, value: u32): void {
  const apic = localApic(vcpu);
  switch (offset) {
    case Register.CommandHigh:
      apic.commandHigh = value & HIGH_BYTE;
      return;
    case Register.LogicalDestination:
      apic.logicalDestination = value & HIGH_BYTE;
      return;
    case Register.DestinationFormat:
      apic.destinationFormat = value | FORMAT_RESERVED;
      return;
  }
  if (!writeRegister(vcpu, offset, value) && !isReadOnly(offset)) reportError(vcpu, ApicError.IllegalRegisterAddress);
}

/** Writes narrower than 32 bits or between registers are undefined (SDM 3A 11.4.1); here they vanish. */
export function writePage(vcpu: u32, offset: u32, size: u32, value: u32): void {
  if (!answers(localApic(vcpu))) {
    openBus();
    return;
  }
  setStatus(AccessStatus.Done);
  if ((offset & 0xf) != 0 || size < 4) return;
  if (offset == Register.EndOfInterrupt) writeEndOfInterrupt(vcpu);
  else writePageRegister(vcpu, offset, value);
}
