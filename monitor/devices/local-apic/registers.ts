// Registers common to both modes: offset in the xAPIC page, or (MSR - 0x800) << 4 in x2APIC mode (SDM 3A 11.4.1, 11.12.1.2).

import { endOfInterrupt, retryIoApic } from "../io-apic";
import { sendCommand } from "./command";
import { latchErrors } from "./errors";
import { completeInterrupt, refreshPending, setTaskPriority } from "./priority";
import { inService, LocalApic, localApic, Lvt, LVT_MASKED, lvtEntry, requests, setLvtEntry, SVR_ENABLE, SVR_SUPPRESS_EOI_BROADCAST, triggerModes } from "./state";
import { currentCount, writeDivide, writeInitialCount, writeLvtTimer } from "./timer";

export const enum Register {
  Identifier = 0x020,
  Version = 0x030,
  TaskPriority = 0x080,
  ArbitrationPriority = 0x090,
  ProcessorPriority = 0x0a0,
  EndOfInterrupt = 0x0b0,
  RemoteRead = 0x0c0,
  LogicalDestination = 0x0d0,
  DestinationFormat = 0x0e0,
  Spurious = 0x0f0,
  InService = 0x100, // to 0x170
  TriggerMode = 0x180, // to 0x1f0
  Request = 0x200, // to 0x270
  ErrorStatus = 0x280,
  CommandLow = 0x300,
  CommandHigh = 0x310,
  LvtTimer = 0x320,
  LvtThermal = 0x330,
  LvtPerformance = 0x340,
  LvtLint0 = 0x350,
  LvtLint1 = 0x360,
  LvtError = 0x370,
  InitialCount = 0x380,
  CurrentCount = 0x390,
  DivideConfiguration = 0x3e0,
  SelfIpi = 0x3f0, // x2APIC only
}

/** Integrated APIC, version 14h, six LVT entries (no CMCI), EOI-broadcast suppression (SDM 3A 11.4.8). */
const VERSION: u32 = 0x1050014;
/** Focus processor checking, bit 9, is reserved (SDM 3A 11.9). */
export const SPURIOUS_WRITABLE: u32 = 0x11ff;

/** Bits of each LVT register that software writes (SDM 3A figure 11-8). */
export function lvtWritable(entry: u32): u32 {
  switch (entry) {
    case Lvt.Timer: return 0x700ff;
    case Lvt.Lint0:
    case Lvt.Lint1: return 0x1a7ff;
    case Lvt.Error: return 0x100ff;
    default: return 0x107ff;
  }
}

/** Whether offset is one that readRegister() knows. */
export function isReadable(offset: u32): bool {
  if (offset >= <u32>Register.InService && offset < <u32>Register.ErrorStatus) return true;
  if (offset >= <u32>Register.LvtTimer && offset <= <u32>Register.CurrentCount) return true;
  switch (offset) {
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

/** 32 of the 256 bits of ISR, TMR or IRR. */
function readMap(apic: LocalApic, offset: u32): u32 {
  const part = (offset >> 4 & 7) << 2;
  if (offset < <u32>Register.TriggerMode) return load<u32>(inService(apic) + part);
  if (offset < <u32>Register.Request) return load<u32>(triggerModes(apic) + part);
  return load<u32>(requests(apic) + part);
}

export function readRegister(vcpu: u32, offset: u32): u32 {
  const apic = localApic(vcpu);
  if (offset >= <u32>Register.InService && offset < <u32>Register.ErrorStatus) return readMap(apic, offset);
  if (offset >= <u32>Register.LvtTimer && offset <= <u32>Register.LvtError) return lvtEntry(apic, (offset - Register.LvtTimer) >> 4);
  switch (offset) {
    case Register.Version: return VERSION;
    case Register.TaskPriority: return apic.taskPriority;
    case Register.ProcessorPriority: return apic.processorPriority;
    case Register.LogicalDestination: return apic.logicalDestination;
    case Register.Spurious: return apic.spurious;
    case Register.ErrorStatus: return apic.errorStatus;
    case Register.CommandLow: return apic.commandLow;
    case Register.CommandHigh: return apic.commandHigh;
    case Register.InitialCount: return apic.timerInitialCount;
    case Register.CurrentCount: return currentCount(vcpu);
    case Register.DivideConfiguration: return apic.timerDivide;
    default: return 0;
  }
}

/** A software-disabled APIC has all local vectors masked (SDM 3A 11.4.7.2); an enabled one takes what it refused before. */
function writeSpurious(vcpu: u32, value: u32): void {
  const apic = localApic(vcpu);
  const rises = value & ~apic.spurious & SVR_ENABLE;
  apic.spurious = value & SPURIOUS_WRITABLE;
  if ((value & SVR_ENABLE) == 0) {
    writeLvtTimer(vcpu, apic.lvt0 | LVT_MASKED);
    for (let entry: u32 = Lvt.Thermal; entry < <u32>Lvt.Count; entry++) setLvtEntry(apic, entry, lvtEntry(apic, entry) | LVT_MASKED);
  }
  refreshPending(vcpu);
  if (rises != 0) retryIoApic();
}

function writeLvt(vcpu: u32, entry: u32, value: u32): void {
  const apic = localApic(vcpu);
  let accepted = value & lvtWritable(entry);
  if ((apic.spurious & SVR_ENABLE) == 0) accepted |= LVT_MASKED;
  if (entry == Lvt.Timer) {
    writeLvtTimer(vcpu, accepted);
    return;
  }
  setLvtEntry(apic, entry, accepted);
  if (entry == Lvt.Lint0) refreshPending(vcpu);
}

/** With broadcasts suppressed, software writes the I/O APIC's own EOI register (SDM 3A 11.8.5). */
export function writeEndOfInterrupt(vcpu: u32): void {
  const vector = completeInterrupt(vcpu);
  if (vector != 0 && (localApic(vcpu).spurious & SVR_SUPPRESS_EOI_BROADCAST) == 0) endOfInterrupt(vector);
}

/** Writes a register that both modes have; false if there is none that can be written. */
export function writeRegister(vcpu: u32, offset: u32, value: u32): bool {
  if (offset >= <u32>Register.LvtTimer && offset <= <u32>Register.LvtError) {
    writeLvt(vcpu, (offset - Register.LvtTimer) >> 4, value);
    return true;
  }
  switch (offset) {
    case Register.EndOfInterrupt: writeEndOfInterrupt(vcpu); return true;
    case Register.TaskPriority: setTaskPriority(vcpu, value); return true;
    case Register.CommandLow: sendCommand(vcpu, value); return true;
    case Register.InitialCount: writeInitialCount(vcpu, value); return true;
    case Register.Spurious: writeSpurious(vcpu, value); return true;
    case Register.ErrorStatus: latchErrors(localApic(vcpu)); return true;
    case Register.DivideConfiguration: writeDivide(vcpu, value); return true;
    default: return false;
  }
}
