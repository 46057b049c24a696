// Instructions with one operand in memory; the address of it is in `destination`.

import { VcpuFrame } from "../interface";
import { calculate } from "./arithmetic";
import { conditionalMove, holds } from "./conditions";
import { isRefused } from "./device-access";
import { compareExchange, compareExchange16Bytes, compareExchange8Bytes, exchange, exchangeAdd } from "./exchange";
import { setCarryFlag, setLogicFlags, setSubtractFlags } from "./flags";
import { frame, sizeMask } from "./frame";
import { destination, readOperand, writeOperand } from "./guest-operand";
import { Operation, instruction } from "./instruction";
import { multiplyAccumulator, multiplyRegister, scanBits } from "./multiply";
import { registerOrImmediate, setRegister } from "./other-operand";
import { shift } from "./shift";
import { moveVector } from "./vector";

/** False if a device refused: registers and flags are as they were. */
export function executeOrdinary(vcpu: u32): bool {
  if (instruction.memorySize > 8 || instruction.operation == Operation.MoveVector) {
    instruction.operation == Operation.MoveVector ? moveVector(vcpu) : compareExchange16Bytes(vcpu);
    return !isRefused();
  }
  if (onlyWrites()) {
    writeOperand(vcpu, destination, storedValue());
    return !isRefused();
  }
  const value = readOperand(vcpu, destination);
  if (isRefused()) return false;
  apply(vcpu, value);
  return !isRefused();
}

function onlyWrites(): bool {
  switch (instruction.operation) {
    case Operation.Move:
    case Operation.MoveSwapped: return instruction.toMemory;
    case Operation.SetCondition:
    case Operation.StoreMachineStatus: return true;
    default: return false;
  }
}

function storedValue(): u64 {
  switch (instruction.operation) {
    case Operation.SetCondition: return holds() ? 1 : 0;
    case Operation.StoreMachineStatus: return frame(VcpuFrame.Cr0);
    case Operation.MoveSwapped: return swapped(registerOrImmediate());
    default: return registerOrImmediate();
  }
}

/** The bytes in the other order. */
function swapped(value: u64): u64 {
  return bswap<u64>(value) >> (64 - (instruction.memorySize << 3));
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
    case Operation.RotateLeft:
    case Operation.RotateRight:
    case Operation.RotateCarryLeft:
    case Operation.RotateCarryRight:
    case Operation.ShiftLeft:
    case Operation.ShiftRight:
    case Operation.ShiftRightArithmetic:
    case Operation.ShiftLeftDouble:
    case Operation.ShiftRightDouble: return shift(vcpu, value);
    case Operation.MultiplyRegister: return multiplyRegister(value);
    case Operation.MultiplyAccumulator:
    case Operation.MultiplySignedAccumulator: return multiplyAccumulator(value);
    case Operation.BitScanForward:
    case Operation.BitScanReverse: return scanBits(value);
    case Operation.MoveSwapped: return setRegister(swapped(value));
    case Operation.ConditionalMove: return conditionalMove(value);
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
