// VMCALL: number in RAX, arguments in RDI and RSI, result in RAX.

import { advance, privilegeLevel } from "../../cpu/backend";
import { Register, readRegister, writeRegister } from "../../cpu/registers";
import { NO_INPUT, takeInput } from "../../console/partitions";
import { HYPERCALL_VERSION, Hypercall } from "../../policy/layout";
import { auditHypercall } from "../audit";
import { currentPartition, mayCall } from "../current";
import { StopReason, resetPartition, stopPartition } from "../intent";
import { enterMonitor } from "../monitor-lock";
import { putByte } from "../monitor-call";
import { PlanHeader, header64 } from "../plan";

const REFUSED: u64 = u64.MAX_VALUE;

export function onHypercall(): void {
  const number = readRegister(Register.RAX);
  const granted = mayCall(number) && privilegeLevel() == 0;
  if (!granted) auditHypercall(number);
  writeRegister(Register.RAX, granted ? carryOut(<u32>number) : REFUSED);
  advance();
}

function carryOut(number: u32): u64 {
  switch (number) {
    case Hypercall.Version: return HYPERCALL_VERSION;
    case Hypercall.ConsoleWrite: return writeConsole(readRegister(Register.RDI));
    case Hypercall.PowerOff: {
      stopPartition(StopReason.PoweredOff);
      return 0;
    }
    case Hypercall.Reset: {
      resetPartition();
      return 0;
    }
    case Hypercall.TscFrequency: return header64(PlanHeader.TscFrequency);
    case Hypercall.ConsoleRead: return readConsole();
    default: return REFUSED;
  }
}

function writeConsole(bytes: u64): u64 {
  for (; bytes != 0; bytes >>= 8) putByte(<u8>bytes);
  return 0;
}

function readConsole(): u64 {
  if (!enterMonitor()) return REFUSED; // one core takes at a time
  const byte = takeInput(currentPartition());
  return byte == NO_INPUT ? REFUSED : <u64>byte;
}
