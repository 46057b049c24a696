// IMUL and MUL with an operand in memory, and BSF and BSR, whose result goes to a register.

import { setMultiplyFlags, setZeroFlag } from "./flags";
import { Register, readRegister, sizeMask, writeRegister } from "./frame";
import { Operation, instruction } from "./instruction";
import { setRegister } from "./other-operand";

/** IMUL of a register or an immediate; `value` is what was read from memory. */
export function multiplyRegister(value: u64): void {
  const size = instruction.memorySize;
  const left = signExtend(value, size);
  const right = signExtend(instruction.hasImmediate ? instruction.immediate : readRegister(instruction.register, size), size);
  const low = left * right;
  const high = highProduct(left, right, true);
  setRegister(low & sizeMask(size));
  setMultiplyFlags(!isSigned(low, high, size));
}

/** MUL and IMUL of the accumulator, whose product is twice as long: AX, DX:AX, EDX:EAX or RDX:RAX. */
export function multiplyAccumulator(value: u64): void {
  const size = instruction.memorySize;
  const signed = instruction.operation == Operation.MultiplySignedAccumulator;
  const accumulator = readRegister(Register.Rax, size);
  const left = signed ? signExtend(value, size) : value;
  const right = signed ? signExtend(accumulator, size) : accumulator;
  const low = left * right;
  const high = highProduct(left, right, signed);
  const upper = size == 8 ? high : (low >> (size << 3)) & sizeMask(size);
  if (size == 1) writeRegister(Register.Rax, 2, low);
  else {
    writeRegister(Register.Rax, size, low);
    writeRegister(Register.Rdx, size, upper);
  }
  setMultiplyFlags(signed ? !isSigned(low, high, size) : upper != 0);
}

/** The register stays where no bit is set. */
export function scanBits(value: u64): void {
  setZeroFlag(value == 0);
  if (value != 0) setRegister(instruction.operation == Operation.BitScanForward ? ctz(value) : 63 - clz(value));
}

/** Whether the low `size` bytes hold the whole signed product. */
function isSigned(low: u64, high: u64, size: u32): bool {
  return signExtend(low, size) == low && high == <u64>(<i64>low >> 63);
}

function signExtend(value: u64, size: u32): u64 {
  const unused = 64 - (size << 3);
  return <u64>((<i64>(value << unused)) >> unused);
}

/** Upper 64 bits of the product. */
function highProduct(left: u64, right: u64, signed: bool): u64 {
  const leftLow = left & 0xffffffff;
  const leftHigh = left >> 32;
  const rightLow = right & 0xffffffff;
  const rightHigh = right >> 32;
  const middle = leftHigh * rightLow + ((leftLow * rightLow) >> 32);
  const other = leftLow * rightHigh + (middle & 0xffffffff);
  const high = leftHigh * rightHigh + (middle >> 32) + (other >> 32);
  if (!signed) return high;
  return high - (<i64>left < 0 ? right : 0) - (<i64>right < 0 ? left : 0);
}
