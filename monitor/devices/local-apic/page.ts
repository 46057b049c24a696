// The xAPIC register page (SDM 3A 11.4.1).

import { openBus, setStatus } from "../status";
import { AccessStatus } from "../../interface";
import { ApicError, reportError } from "./errors";
import { isReadable, readRegister, writeEndOfInterrupt, writeRegister } from "./registers";
import { ApicBase, localApic } from "./state";
import { Register, register, setRegister } from "./virtual-apic-page";

const FORMAT_RESERVED: u32 = 0x0fffffff;
const HIGH_BYTE: u32 = 0xff000000;

/** The page answers in xAPIC mode only. */
function answers(vcpu: u32): bool {
  return (localApic(vcpu).base & (ApicBase.Enable | ApicBase.Extd)) == ApicBase.Enable;
}

function readPageRegister(vcpu: u32, offset: u32): u32 {
  switch (offset) {
    case Register.DestinationFormat: return register(vcpu, offset);
    case Register.ArbitrationPriority: return register(vcpu, Register.ProcessorPriority);
    case Register.EndOfInterrupt:
    case Register.RemoteRead: return 0;
  }
  if (isReadable(offset)) return readRegister(vcpu, offset);
  reportError(vcpu, ApicError.IllegalRegisterAddress);
  return 0;
}

/** Only the 32 bits at each multiple of 16 exist; what lies between reads 0. */
export function readPage(vcpu: u32, offset: u32): u64 {
  if (!answers(vcpu)) return openBus();
  setStatus(AccessStatus.Done);
  if ((offset & 0xc) != 0) return 0;
  return readPageRegister(vcpu, offset & 0xff0) >> ((offset & 3) << 3);
}

/** Writes to a register that is there but cannot be written vanish; they are no error. */
function isReadOnly(offset: u32): bool {
  switch (offset) {
    case Register.ArbitrationPriority:
    case Register.RemoteRead: return true;
    default: return isReadable(offset);
  }
}

/** A write of 32 bits to any register but EOI. */
export function writePageRegister(vcpu: u32, offset: u32, value: u32): void {
  switch (offset) {
    case Register.CommandHigh:
    case Register.LogicalDestination:
      setRegister(vcpu, offset, value & HIGH_BYTE);
      return;
    case Register.DestinationFormat:
      setRegister(vcpu, offset, value | FORMAT_RESERVED);
      return;
  }
  if (!writeRegister(vcpu, offset, value) && !isReadOnly(offset)) reportError(vcpu, ApicError.IllegalRegisterAddress);
}

/** Writes narrower than 32 bits or between registers are undefined (SDM 3A 11.4.1); here they vanish. */
export function writePage(vcpu: u32, offset: u32, size: u32, value: u32): void {
  if (!answers(vcpu)) {
    openBus();
    return;
  }
  setStatus(AccessStatus.Done);
  if ((offset & 0xf) != 0 || size < 4) return;
  if (offset == Register.EndOfInterrupt) writeEndOfInterrupt(vcpu);
  else writePageRegister(vcpu, offset, value);
}
