// One decoded instruction.

import { Segment } from "./segment";

export const enum Operation {
  Move,
  MoveZeroExtended,
  MoveSignExtended,
  Add,
  AddWithCarry,
  Or,
  And,
  Subtract,
  SubtractWithBorrow,
  Xor,
  Compare,
  Test,
  Not,
  Negate,
  Increment,
  Decrement,
  Exchange,
  ExchangeAdd,
  CompareExchange,
  CompareExchange8Bytes,
  CompareExchange16Bytes,
  BitTest,
  BitTestSet,
  BitTestReset,
  BitTestComplement,
  // Group 2 of SDM 2D table A-6 in its order, without the second SHL.
  RotateLeft,
  RotateRight,
  RotateCarryLeft,
  RotateCarryRight,
  ShiftLeft,
  ShiftRight,
  ShiftRightArithmetic,
  ShiftLeftDouble,
  ShiftRightDouble,
  MultiplyRegister,
  MultiplyAccumulator,
  MultiplySignedAccumulator,
  Divide,
  DivideSigned,
  BitScanForward,
  BitScanReverse,
  MoveSwapped,
  ConditionalMove,
  SetCondition,
  StoreMachineStatus,
  MoveVector,
  // Of a segment register.
  LoadSegment,
  StoreSegment,
  JumpFar,
  // With the stack or the instruction pointer as other operand.
  Push,
  Pop,
  Call,
  Jump,
  // Whose only operand in memory is the stack.
  PushValue,
  PopRegister,
  CallRelative,
  Return,
  Enter,
  Leave,
  // String instructions from here on.
  MoveString,
  CompareString,
  StoreString,
  LoadString,
  ScanString,
}

/** What a REP prefix says; for instructions that compare nothing both mean REP (SDM 2A 2.1.1). */
export const enum Repetition { None, WhileEqual, WhileNotEqual }

/** Which register of MMX or SSE, or which half of it; a load into the whole one zeroes what memory does not fill. */
export const enum VectorPart { Mmx, Whole, Low, High }

@unmanaged
export class Instruction {
  operation: Operation;
  /** Bytes of the memory operand: 1, 2, 4, 8, or 16 for those of SSE and CMPXCHG16B. */
  memorySize: u32;
  /** Bytes of the register operand; differs from memorySize for movzx and movsx. */
  registerSize: u32;
  /** Bytes of an address: 2, 4 or 8. */
  addressSize: u32;
  /** Number of the register operand; of LoadSegment, StoreSegment and JumpFar that of the segment register, LDTR and TR as TaskSegment has them. */
  register: u32;
  /** Segment of the memory operand; of the source, for string instructions. */
  segment: Segment;
  repetition: Repetition;
  hasRex: bool;
  hasImmediate: bool;
  /** The memory operand is the destination. */
  toMemory: bool;
  /** Prefix 66. */
  hasOperandSize: bool;
  /** Sign-extended to 64 bits. */
  immediate: u64;
  /** Offset of the memory operand in its segment. */
  offset: u64;
  length: u32;
  /** Number of the bit in the memory operand that BT, BTS, BTR and BTC mean. */
  bit: u32;
  /** Condition code of SETcc and CMOVcc. */
  condition: u32;
  /** Of MoveVector. */
  part: VectorPart;
  /** A shift counts by CL and not by the immediate. */
  countsCl: bool;
}

/** The instruction decoded last. */
export const instruction = changetype<Instruction>(memory.data(72, 8));

export function isString(): bool {
  return instruction.operation >= Operation.MoveString;
}

export function isStack(): bool {
  return instruction.operation >= Operation.Push && instruction.operation <= Operation.Leave;
}

export function needsSegments(): bool {
  return instruction.operation >= Operation.LoadSegment && instruction.operation <= Operation.JumpFar;
}

export function isDivision(): bool {
  return instruction.operation == Operation.Divide || instruction.operation == Operation.DivideSigned;
}

/** Whether memory, be it the stack, is written. */
export function writesMemory(): bool {
  switch (instruction.operation) {
    case Operation.Compare:
    case Operation.Test:
    case Operation.BitTest:
    case Operation.MultiplyAccumulator:
    case Operation.MultiplySignedAccumulator:
    case Operation.Divide:
    case Operation.DivideSigned:
    case Operation.LoadSegment:
    case Operation.JumpFar:
    case Operation.Jump:
    case Operation.PopRegister:
    case Operation.Return:
    case Operation.Leave:
    case Operation.CompareString:
    case Operation.LoadString:
    case Operation.ScanString: return false;
    case Operation.StoreSegment:
    case Operation.PushValue:
    case Operation.CallRelative:
    case Operation.Enter:
    case Operation.MoveString:
    case Operation.StoreString: return true;
    default: return instruction.toMemory;
  }
}
