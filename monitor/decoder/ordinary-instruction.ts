// Instructions with one operand in memory; the address of it is in `destination`.

import { calculate } from "./arithmetic";
import { isRefused } from "./device-access";
import { compareExchange, compareExchange8Bytes, exchange, exchangeAdd } from "./exchange";
import { setCarryFlag, setLogicFlags, setSubtractFlags } from "./flags";
import { sizeMask } from "./frame";
import { destination, readOperand, writeOperand } from "./guest-operand";
import { Operation, instruction } from "./instruction";
import { registerOrImmediate, setRegister } from "./other-operand";

/** False if a device refused: registers and flags are as they were. */
export function executeOrdinary(vcpu: u32): bool {
  if (instruction.operation == Operation.Move && instruction.toMemory) {
    writeOperand(vcpu, destination, registerOrImmediate());
    return !isRefused();
  }
  const value = readOperand(vcpu, destination);
  if (isRefused()) return false;
  apply(vcpu, value);
  return !isRefused();
}

/** The operations that read memory; `value` is what was read. */
function apply(vcpu: u32, value: u64): void {
  switch (instruction.operation) {
    case Operation.Move:
    case Operation.MoveZeroExtended: return setRegister(value);
    case Operation.MoveSignExtended: return setRegister(signExtend(value));
    case Operation.Compare: return compare(value);
    case Operation.Test: return setLogicFlags(value & registerOrImmediate(), instruction.memorySize);
    case Operation.Exchange: return exchange(vcpu, value);
    case Operation.ExchangeAdd: return exchangeAdd(vcpu, value);
    case Operation.CompareExchange: return compareExchange(vcpu, value);
    case Operation.CompareExchange8Bytes: return compareExchange8Bytes(vcpu, value);
    case Operation.BitTest:
    case Operation.BitTestSet:
    case Operation.BitTestReset:
    case Operation.BitTestComplement: return testBit(vcpu, value);
    default: return calculate(vcpu, value);
  }
}

function compare(value: u64): void {
  const size = instruction.memorySize;
  const left = instruction.toMemory ? value : registerOrImmediate();
  const right = instruction.toMemory ? registerOrImmediate() : value;
  setSubtractFlags(left, right, (left - right) & sizeMask(size), size);
}

/** The bit goes to CF; the other flags are undefined, processors leave them. */
function testBit(vcpu: u32, value: u64): void {
  const mask = <u64>1 << instruction.bit;
  switch (instruction.operation) {
    case Operation.BitTestSet: writeOperand(vcpu, destination, value | mask); break;
    case Operation.BitTestReset: writeOperand(vcpu, destination, value & ~mask); break;
    case Operation.BitTestComplement: writeOperand(vcpu, destination, value ^ mask); break;
  }
  if (!isRefused()) setCarryFlag((value >> instruction.bit) & 1);
}

function signExtend(value: u64): u64 {
  const unused = 64 - (instruction.memorySize << 3);
  return <u64>((<i64>(value << unused)) >> unused);
}
