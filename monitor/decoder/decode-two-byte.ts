// Opcodes after 0F (SDM 2D table A-3).

import { decodeVector, decodeVectorLoad } from "./decode-vector";
import { next8 } from "./fetch";
import { readRegister } from "./frame";
import { Operation, Repetition, instruction } from "./instruction";
import { addOffset, opcodeExtension, takeMemoryOperand } from "./modrm";
import { TaskSegment } from "../interface";
import { countByCl, extendForm, loadForm, memoryForm, registerForm, segmentForm } from "./operand-forms";

const LEAST_WITH_OPERATION: u32 = 4;
const SMSW: u32 = 4;

export function decodeTwoByte(opcode: u32): bool {
  if ((opcode & 0xf0) == 0x40) return conditionForm(opcode) && loadForm(Operation.ConditionalMove);
  if ((opcode & 0xf0) == 0x90) return conditionForm(opcode) && byteForm(Operation.SetCondition);
  switch (opcode) {
    case 0x00: return takeMemoryOperand() && decodeGroup6();
    case 0x01: return takeMemoryOperand() && decodeGroup7();
    case 0x38: return decodeThreeByte(next8());
    case 0xa4: return doubleShiftForm(Operation.ShiftLeftDouble) && takeCount();
    case 0xa5: return doubleShiftForm(Operation.ShiftLeftDouble) && countByCl();
    case 0xac: return doubleShiftForm(Operation.ShiftRightDouble) && takeCount();
    case 0xad: return doubleShiftForm(Operation.ShiftRightDouble) && countByCl();
    case 0xaf: return loadForm(Operation.MultiplyRegister);
    case 0xbc: return !isRepeated() && loadForm(Operation.BitScanForward);
    case 0xbd: return !isRepeated() && loadForm(Operation.BitScanReverse);
    case 0xa3: return bitForm(Operation.BitTest);
    case 0xab: return bitForm(Operation.BitTestSet);
    case 0xb3: return bitForm(Operation.BitTestReset);
    case 0xbb: return bitForm(Operation.BitTestComplement);
    case 0xba: return takeMemoryOperand() && decodeGroup8();
    case 0xb0: case 0xb1: return sizedForm(Operation.CompareExchange, opcode);
    case 0xc0: case 0xc1: return sizedForm(Operation.ExchangeAdd, opcode);
    case 0xb6: return extendForm(Operation.MoveZeroExtended, 1);
    case 0xb7: return extendForm(Operation.MoveZeroExtended, 2);
    case 0xbe: return extendForm(Operation.MoveSignExtended, 1);
    case 0xbf: return extendForm(Operation.MoveSignExtended, 2);
    case 0xc3: return nonTemporalForm();
    case 0xc7: return takeMemoryOperand() && decodeGroup9();
    default: return decodeVector(opcode);
  }
}

function conditionForm(opcode: u32): bool {
  instruction.condition = opcode & 0xf;
  return true;
}

function byteForm(operation: Operation): bool {
  instruction.memorySize = 1;
  return takeMemoryOperand() && memoryForm(operation);
}

/** With a prefix F3 they are TZCNT and LZCNT, where the processor has these. */
function isRepeated(): bool {
  return instruction.repetition != Repetition.None;
}

function doubleShiftForm(operation: Operation): bool {
  instruction.memorySize = instruction.registerSize;
  return registerForm(operation, true);
}

function takeCount(): bool {
  instruction.immediate = next8();
  return true;
}

/** SLDT, STR, LLDT and LTR. */
function decodeGroup6(): bool {
  switch (opcodeExtension()) {
    case 0: return segmentForm(Operation.StoreSegment, TaskSegment.Ldt);
    case 1: return segmentForm(Operation.StoreSegment, TaskSegment.Task);
    case 2: return segmentForm(Operation.LoadSegment, TaskSegment.Ldt);
    case 3: return segmentForm(Operation.LoadSegment, TaskSegment.Task);
    default: return false;
  }
}

/** SMSW, whose operand in memory has 2 bytes whatever the prefixes say. */
function decodeGroup7(): bool {
  if (opcodeExtension() != SMSW) return false;
  instruction.memorySize = 2;
  return memoryForm(Operation.StoreMachineStatus);
}

/** MOVBE; with a prefix F2 these are CRC32. */
function decodeThreeByte(opcode: u32): bool {
  if (opcode == 0x2a) return decodeVectorLoad();
  if ((opcode != 0xf0 && opcode != 0xf1) || isRepeated()) return false;
  instruction.memorySize = instruction.registerSize;
  return registerForm(Operation.MoveSwapped, opcode == 0xf1);
}

/** Bit 0 of the opcode is the size, as in one-byte opcodes. */
function sizedForm(operation: Operation, opcode: u32): bool {
  instruction.memorySize = opcode & 1 ? instruction.registerSize : 1;
  return registerForm(operation, true);
}

/** MOVNTI, which knows no operands of 2 bytes, not even in 16-bit code. */
function nonTemporalForm(): bool {
  instruction.memorySize = max<u32>(instruction.registerSize, 4);
  return registerForm(Operation.Move, true);
}

/** The register holds a bit number of any size and sign, which counts from the operand's address (SDM 2A 3.1.1.9). */
function bitForm(operation: Operation): bool {
  if (!registerForm(operation, true)) return false;
  const size = instruction.registerSize;
  const unused = 64 - (size << 3);
  const bit = (<i64>(readRegister(instruction.register, size) << unused)) >> unused;
  instruction.bit = <u32>bit & ((size << 3) - 1);
  addOffset(<u64>(bit >> 3) & ~<u64>(size - 1));
  return true;
}

/** BT, BTS, BTR and BTC with a bit number in the instruction, which stays inside the operand. */
function decodeGroup8(): bool {
  if (opcodeExtension() < LEAST_WITH_OPERATION) return false;
  instruction.bit = next8() & ((instruction.memorySize << 3) - 1);
  return memoryForm(Operation.BitTest + (opcodeExtension() - LEAST_WITH_OPERATION));
}

/** CMPXCHG8B and CMPXCHG16B. */
function decodeGroup9(): bool {
  if (opcodeExtension() != 1) return false;
  const isWide = instruction.registerSize == 8;
  instruction.memorySize = isWide ? 16 : 8;
  return memoryForm(isWide ? Operation.CompareExchange16Bytes : Operation.CompareExchange8Bytes);
}
