// DIV and IDIV (SDM 2A). The dividend is twice as long as the operand in memory: AX, DX:AX, EDX:EAX or RDX:RAX.

import { AccessStatus } from "../interface";
import { deviceStatus, isRefused } from "./device-access";
import { Exception, raise } from "./fault";
import { Register, advance, readRegister, sizeMask, writeRegister } from "./frame";
import { destination, readOperand } from "./guest-operand";
import { Operation, instruction } from "./instruction";

/** Of the division of magnitudes done last. */
let quotient: u64 = 0;
let remainder: u64 = 0;

/** The flags are undefined, processors leave them. */
export function executeDivision(vcpu: u32): AccessStatus {
  const divisor = readOperand(vcpu, destination);
  if (isRefused()) return deviceStatus();
  const size = instruction.memorySize;
  const high: u64 = size == 1 ? readRegister(Register.Rax, 2) >> 8 : readRegister(Register.Rdx, size);
  const low = readRegister(Register.Rax, size);
  const fits = instruction.operation == Operation.Divide ? divideMagnitudes(high, low, divisor, size) : divideSigned(high, low, divisor, size);
  if (!fits) {
    raise(Exception.De);
    return AccessStatus.GuestFault;
  }
  if (size == 1) writeRegister(Register.Rax, 2, (remainder << 8) | quotient);
  else {
    writeRegister(Register.Rax, size, quotient);
    writeRegister(Register.Rdx, size, remainder);
  }
  advance(instruction.length);
  return deviceStatus();
}

/** Rounds towards zero; the remainder has the sign of the dividend. */
function divideSigned(high: u64, low: u64, divisor: u64, size: u32): bool {
  const mask = sizeMask(size);
  const sign = (mask >> 1) + 1;
  const isNegative = (high & sign) != 0;
  const isOpposite = isNegative != ((divisor & sign) != 0);
  const upper = isNegative ? (~high + (low == 0 ? 1 : 0)) & mask : high;
  const lower = isNegative ? (0 - low) & mask : low;
  if (!divideMagnitudes(upper, lower, divisor & sign ? (0 - divisor) & mask : divisor, size)) return false;
  if (quotient > (isOpposite ? sign : sign - 1)) return false;
  if (isOpposite) quotient = (0 - quotient) & mask;
  if (isNegative) remainder = (0 - remainder) & mask;
  return true;
}

/** Bit by bit; false if the quotient is too long, which it always is for a divisor of 0. */
function divideMagnitudes(high: u64, low: u64, divisor: u64, size: u32): bool {
  if (high >= divisor) return false;
  const bits = size << 3;
  remainder = high;
  quotient = low;
  for (let i: u32 = 0; i < bits; i++) {
    const overflows = (remainder >> (bits - 1)) & 1;
    remainder = ((remainder << 1) | ((quotient >> (bits - 1)) & 1)) & sizeMask(size);
    quotient = (quotient << 1) & sizeMask(size);
    if (overflows == 0 && remainder < divisor) continue;
    remainder = (remainder - divisor) & sizeMask(size);
    quotient |= 1;
  }
  return true;
}
