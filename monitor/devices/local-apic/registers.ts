// Registers common to both modes (SDM 3A 11.4.1, 11.12.1.2).

import { endOfInterrupt, retryIoApic } from "../io-apic";
import { sendCommand } from "./command";
import { latchErrors } from "./errors";
import { endLint0, writeLint0 } from "./lint";
import { completeInterrupt, refreshPending, setTaskPriority } from "./priority";
import { LVT_MASKED, SVR_ENABLE, SVR_SUPPRESS_EOI_BROADCAST } from "./state";
import { currentCount, writeDivide, writeInitialCount, writeLvtTimer } from "./timer";
import { Register, register, setKeptRegister, setRegister } from "./virtual-apic-page";
import { refreshMode } from "./virtualised";

/** Of the command register's high half, in xAPIC mode. */
const DESTINATION_SHIFT: u32 = 24;

/** Focus processor checking, bit 9, is reserved (SDM 3A 11.9). */
export const SPURIOUS_WRITABLE: u32 = 0x11ff;

/** Bits of each LVT register that software writes (SDM 3A figure 11-8). */
export function lvtWritable(offset: u32): u32 {
  switch (offset) {
    case Register.LvtTimer: return 0x700ff;
    case Register.LvtLint0:
    case Register.LvtLint1: return 0x1a7ff;
    case Register.LvtError: return 0x100ff;
    default: return 0x107ff;
  }
}

/** Whether offset is one that readRegister() knows. */
export function isReadable(offset: u32): bool {
  if (offset >= <u32>Register.InService && offset < <u32>Register.ErrorStatus) return true;
  if (offset >= <u32>Register.LvtTimer && offset <= <u32>Register.CurrentCount) return true;
  switch (offset) {
    case Register.Identifier:
    case Register.Version:
    case Register.TaskPriority:
    case Register.ProcessorPriority:
    case Register.LogicalDestination:
    case Register.Spurious:
    case Register.ErrorStatus:
    case Register.CommandLow:
    case Register.CommandHigh:
    case Register.DivideConfiguration: return true;
    default: return false;
  }
}

export function readRegister(vcpu: u32, offset: u32): u32 {
  return offset == Register.CurrentCount ? currentCount(vcpu) : register(vcpu, offset);
}

/** A software-disabled APIC has all local vectors masked (SDM 3A 11.4.7.2); an enabled one takes what it refused before. */
function writeSpurious(vcpu: u32, value: u32): void {
  const rises = value & ~register(vcpu, Register.Spurious) & SVR_ENABLE;
  setKeptRegister(vcpu, Register.Spurious, value & SPURIOUS_WRITABLE);
  if ((value & SVR_ENABLE) == 0) {
    writeLvtTimer(vcpu, register(vcpu, Register.LvtTimer) | LVT_MASKED);
    for (let entry: u32 = Register.LvtThermal; entry <= <u32>Register.LvtError; entry += 16) setKeptRegister(vcpu, entry, register(vcpu, entry) | LVT_MASKED);
  }
  refreshMode(vcpu);
  refreshPending(vcpu);
  if (rises != 0) retryIoApic();
}

function writeLvt(vcpu: u32, offset: u32, value: u32): void {
  let accepted = value & lvtWritable(offset);
  if ((register(vcpu, Register.Spurious) & SVR_ENABLE) == 0) accepted |= LVT_MASKED;
  if (offset == Register.LvtTimer) {
    writeLvtTimer(vcpu, accepted);
    return;
  }
  if (offset != Register.LvtLint0) {
    setRegister(vcpu, offset, accepted);
    return;
  }
  writeLint0(vcpu, accepted);
  refreshPending(vcpu);
}

/** A level-triggered vector has ended. With broadcasts suppressed, software writes the I/O APIC's own EOI register (SDM 3A 11.8.5). */
export function broadcastEndOfInterrupt(vcpu: u32, vector: u32): void {
  endLint0(vcpu, vector);
  if ((register(vcpu, Register.Spurious) & SVR_SUPPRESS_EOI_BROADCAST) == 0) endOfInterrupt(vector);
}

export function writeEndOfInterrupt(vcpu: u32): void {
  const vector = completeInterrupt(vcpu);
  if (vector != 0) broadcastEndOfInterrupt(vcpu, vector);
}

/** Writes a register that both modes have; false if there is none that can be written. */
export function writeRegister(vcpu: u32, offset: u32, value: u32): bool {
  if (offset >= <u32>Register.LvtTimer && offset <= <u32>Register.LvtError) {
    writeLvt(vcpu, offset, value);
    return true;
  }
  switch (offset) {
    case Register.EndOfInterrupt: writeEndOfInterrupt(vcpu); return true;
    case Register.TaskPriority: setTaskPriority(vcpu, value); return true;
    case Register.CommandLow: sendCommand(vcpu, value, register(vcpu, Register.CommandHigh) >> DESTINATION_SHIFT); return true;
    case Register.InitialCount: writeInitialCount(vcpu, value); return true;
    case Register.Spurious: writeSpurious(vcpu, value); return true;
    case Register.ErrorStatus: latchErrors(vcpu); return true;
    case Register.DivideConfiguration: writeDivide(vcpu, value); return true;
    default: return false;
  }
}
