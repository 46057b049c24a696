// One decoded instruction.

export const enum Operation {
  Move,
  MoveZeroExtended,
  MoveSignExtended,
  Add,
  Or,
  And,
  Subtract,
  Xor,
  Compare,
  Test,
  Exchange,
  StoreString,
  MoveString,
}

@unmanaged
export class Instruction {
  operation: Operation;
  /** Bytes of the memory operand: 1, 2, 4 or 8. */
  memorySize: u32;
  /** Bytes of the register operand; differs from memorySize for movzx and movsx. */
  registerSize: u32;
  /** Bytes of an address: 2, 4 or 8. */
  addressSize: u32;
  /** Number of the register operand. */
  register: u32;
  hasRex: bool;
  hasImmediate: bool;
  /** The memory operand is the destination. */
  toMemory: bool;
  isRepeated: bool;
  /** The memory operand is relative to FS or GS, whose base is not known here. */
  hasUnknownBase: bool;
  /** Sign-extended to 64 bits. */
  immediate: u64;
  /** Address of the memory operand without its segment's base; right in the low 12 bits unless addressSize is 2. */
  offset: u64;
  length: u32;
}

/** The instruction decoded last. */
export const instruction = changetype<Instruction>(memory.data(64));
