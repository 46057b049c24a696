// The instructions that reach memory with one operand (SDM 2A-2B): which operation, which sizes, which operands.

import { AccessStatus } from "../interface";
import { decodeTwoByte } from "./decode-two-byte";
import { fetchStatus, instructionLength, next16, next32, next64, next8 } from "./fetch";
import { Register, isLongMode } from "./frame";
import { Operation, instruction } from "./instruction";
import { completeOffset, opcodeExtension, setOffset, takeMemoryOperand } from "./modrm";
import { countByCl, extendForm, loadForm, memoryForm, registerForm, segmentForm } from "./operand-forms";
import { Rex, extend, takePrefixes } from "./prefixes";
import { Segment } from "./segment";

const TWO_BYTE_OPCODE: u32 = 0x0f;
const FIRST_AFTER_ARITHMETIC: u32 = 0x40;

/** Decodes the instruction that openInstruction() read into `instruction`. */
export function decode(): AccessStatus {
  const opcode = takePrefixes();
  instruction.hasImmediate = false;
  instruction.toMemory = false;
  instruction.countsCl = false;
  instruction.memorySize = opcode & 1 ? instruction.registerSize : 1;
  const isKnown = opcode == TWO_BYTE_OPCODE ? decodeTwoByte(next8()) : decodeOneByte(opcode);
  if (fetchStatus() != AccessStatus.Done) return fetchStatus();
  if (!isKnown) return AccessStatus.Undecodable;
  instruction.length = instructionLength();
  completeOffset();
  return AccessStatus.Done;
}

function decodeOneByte(opcode: u32): bool {
  if (opcode < FIRST_AFTER_ARITHMETIC) return decodeArithmetic(opcode);
  if ((opcode & 0xf0) == 0x50) return stackRegister(opcode);
  switch (opcode) {
    case 0x63: return decodeSignExtendedDword();
    case 0x68: case 0x6a: return implicitStack(Operation.PushValue) && takeImmediate(opcode == 0x6a);
    case 0x69: case 0x6b: return loadForm(Operation.MultiplyRegister) && takeImmediate(opcode == 0x6b);
    case 0x80: case 0x81: return decodeArithmeticImmediate(false);
    case 0x82: return !isLongMode() && decodeArithmeticImmediate(false);
    case 0x83: return decodeArithmeticImmediate(true);
    case 0x84: case 0x85: return registerForm(Operation.Test, true);
    case 0x86: case 0x87: return registerForm(Operation.Exchange, true);
    case 0x88: case 0x89: return registerForm(Operation.Move, true);
    case 0x8c: return takeMemoryOperand() && opcodeExtension() <= <u32>Segment.Gs && segmentForm(Operation.StoreSegment, opcodeExtension());
    case 0x8e: return takeMemoryOperand() && isLoadable(opcodeExtension()) && segmentForm(Operation.LoadSegment, opcodeExtension());
    case 0x8f: return takeMemoryOperand() && opcodeExtension() == 0 && stackForm(Operation.Pop);
    case 0x8a: case 0x8b: return registerForm(Operation.Move, false);
    case 0xa0: case 0xa1: return accumulatorForm(false);
    case 0xa2: case 0xa3: return accumulatorForm(true);
    case 0xa4: case 0xa5: return stringForm(Operation.MoveString);
    case 0xa6: case 0xa7: return stringForm(Operation.CompareString);
    case 0xaa: case 0xab: return stringForm(Operation.StoreString);
    case 0xac: case 0xad: return stringForm(Operation.LoadString);
    case 0xae: case 0xaf: return stringForm(Operation.ScanString);
    case 0xc0: case 0xc1: return takeMemoryOperand() && takeImmediate(true) && shiftForm();
    case 0xd0: case 0xd1: return takeMemoryOperand() && countOne() && shiftForm();
    case 0xd2: case 0xd3: return takeMemoryOperand() && countByCl() && shiftForm();
    case 0xc6: case 0xc7: return takeMemoryOperand() && opcodeExtension() == 0 && immediateForm(Operation.Move, false);
    case 0xc2: return implicitStack(Operation.Return) && takeDistance();
    case 0xc3: return implicitStack(Operation.Return);
    case 0xc8: return implicitStack(Operation.Enter) && takeDistance() && next8() == 0; // no nesting
    case 0xc9: return implicitStack(Operation.Leave);
    case 0xe8: return implicitStack(Operation.CallRelative) && takeImmediate(false);
    case 0xf6: case 0xf7: return takeMemoryOperand() && decodeGroup3();
    case 0xfe: return takeMemoryOperand() && decodeGroup4();
    case 0xff: return takeMemoryOperand() && (decodeGroup4() || decodeGroup5());
    default: return false;
  }
}

/** Opcodes 00-3F: bits 5:3 select the operation, bit 1 the direction, bit 0 the size. */
function decodeArithmetic(opcode: u32): bool {
  if (opcode & 4) return false;
  return registerForm(arithmeticOperation(opcode >> 3), (opcode & 2) == 0);
}

function decodeArithmeticImmediate(isByte: bool): bool {
  return takeMemoryOperand() && immediateForm(arithmeticOperation(opcodeExtension()), isByte);
}

/** SDM 2D table A-6, group 1. */
function arithmeticOperation(number: u32): Operation {
  switch (number) {
    case 0: return Operation.Add;
    case 1: return Operation.Or;
    case 2: return Operation.AddWithCarry;
    case 3: return Operation.SubtractWithBorrow;
    case 4: return Operation.And;
    case 5: return Operation.Subtract;
    case 6: return Operation.Xor;
    default: return Operation.Compare;
  }
}

function decodeGroup3(): bool {
  switch (opcodeExtension()) {
    case 0: case 1: return immediateForm(Operation.Test, false);
    case 2: return memoryForm(Operation.Not);
    case 3: return memoryForm(Operation.Negate);
    case 4: return memoryForm(Operation.MultiplyAccumulator);
    case 5: return memoryForm(Operation.MultiplySignedAccumulator);
    case 6: return memoryForm(Operation.Divide);
    default: return memoryForm(Operation.DivideSigned);
  }
}

function decodeGroup4(): bool {
  switch (opcodeExtension()) {
    case 0: return memoryForm(Operation.Increment);
    case 1: return memoryForm(Operation.Decrement);
    default: return false;
  }
}

/** Without far CALL. */
function decodeGroup5(): bool {
  switch (opcodeExtension()) {
    case 2: return nearForm(Operation.Call);
    case 4: return nearForm(Operation.Jump);
    case 5: return farForm();
    case 6: return stackForm(Operation.Push);
    default: return false;
  }
}

/** PUSH and POP of a register, opcodes 50-5F. */
function stackRegister(opcode: u32): bool {
  instruction.register = extend(opcode & 7, Rex.B);
  return implicitStack(opcode < 0x58 ? Operation.PushValue : Operation.PopRegister);
}

function implicitStack(operation: Operation): bool {
  instruction.immediate = 0;
  setOffset(0);
  return stackForm(operation);
}

/** By how much the stack pointer moves besides. */
function takeDistance(): bool {
  instruction.immediate = next16();
  return true;
}

/** In 64-bit mode of 8 bytes, or 2 (SDM 1 6.2.2). */
function stackForm(operation: Operation): bool {
  instruction.memorySize = isLongMode() && instruction.registerSize == 4 ? 8 : instruction.registerSize;
  return memoryForm(operation);
}

/** All but CS. */
function isLoadable(segment: u32): bool {
  return segment <= <u32>Segment.Gs && segment != Segment.Cs;
}

/** Offset and selector. */
function farForm(): bool {
  instruction.operation = Operation.JumpFar;
  instruction.memorySize = instruction.registerSize + 2;
  instruction.register = Segment.Cs;
  return true;
}

/** In 64-bit mode of 8 bytes (SDM 2A CALL). */
function nearForm(operation: Operation): bool {
  instruction.memorySize = isLongMode() ? 8 : instruction.registerSize;
  return memoryForm(operation);
}

/** ModR/M was taken; the immediate is as long as the operand, at most 4 bytes, or one byte. */
function immediateForm(operation: Operation, isByte: bool): bool {
  return takeImmediate(isByte) && memoryForm(operation);
}

function takeImmediate(isByte: bool): bool {
  const size: u32 = isByte ? 1 : instruction.memorySize;
  instruction.hasImmediate = true;
  if (size == 1) instruction.immediate = <u64><i64><i8>next8();
  else if (size == 2) instruction.immediate = <u64><i64><i16>next16();
  else instruction.immediate = <u64><i64><i32>next32();
  return true;
}

/** SDM 2D table A-6, group 2. */
function shiftForm(): bool {
  const number = opcodeExtension();
  if (number == 7) return memoryForm(Operation.ShiftRightArithmetic);
  return memoryForm(Operation.RotateLeft + (number == 6 ? 4 : number));
}

function countOne(): bool {
  instruction.immediate = 1;
  return true;
}

/** MOV of AL to RAX from or to an offset in the instruction. */
function accumulatorForm(toMemory: bool): bool {
  instruction.operation = Operation.Move;
  instruction.toMemory = toMemory;
  instruction.register = Register.Rax;
  instruction.registerSize = instruction.memorySize;
  const size = instruction.addressSize;
  setOffset(size == 8 ? next64() : size == 4 ? next32() : next16());
  return true;
}

function stringForm(operation: Operation): bool {
  instruction.operation = operation;
  instruction.register = Register.Rax;
  instruction.registerSize = instruction.memorySize;
  setOffset(0);
  return true;
}

/** MOVSXD, in 64-bit mode only (ARPL elsewhere); without REX.W it is a plain MOV. */
function decodeSignExtendedDword(): bool {
  if (!isLongMode()) return false;
  return extendForm(Operation.MoveSignExtended, min<u32>(instruction.registerSize, 4));
}
