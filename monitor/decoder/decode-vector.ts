// Moves between memory and a register of MMX or SSE (SDM 2B chapter 4), after 0F. The prefixes 66, F3 and F2 are part of the opcode.

import { Operation, Repetition, VectorPart, instruction } from "./instruction";
import { takeMemoryOperand } from "./modrm";

const enum Prefix { None, OperandSize, F3, F2 }

/** False for any other opcode, of which nothing more was taken. */
export function decodeVector(opcode: u32): bool {
  const prefix = mandatoryPrefix();
  const isPacked = prefix == Prefix.None || prefix == Prefix.OperandSize;
  const isStore = (opcode & 1) != 0;
  switch (opcode) {
    case 0x10: case 0x11: return move(VectorPart.Whole, isPacked ? 16 : prefix == Prefix.F3 ? 4 : 8, isStore); // MOVUPS, MOVUPD, MOVSS, MOVSD
    case 0x12: case 0x13: return isPacked && move(VectorPart.Low, 8, isStore); // MOVLPS, MOVLPD
    case 0x16: case 0x17: return isPacked && move(VectorPart.High, 8, isStore); // MOVHPS, MOVHPD
    case 0x28: case 0x29: return isPacked && move(VectorPart.Whole, 16, isStore); // MOVAPS, MOVAPD
    case 0x2b: return isPacked && move(VectorPart.Whole, 16, true); // MOVNTPS, MOVNTPD
    case 0x6e: return isPacked && move(wholeOrMmx(prefix), doubleOrQuadword(), false); // MOVD, MOVQ
    case 0x7e: return prefix == Prefix.F3 ? move(VectorPart.Whole, 8, false) : isPacked && move(wholeOrMmx(prefix), doubleOrQuadword(), true);
    case 0x6f: case 0x7f: return prefix != Prefix.F2 && move(wholeOrMmx(prefix), prefix == Prefix.None ? 8 : 16, opcode == 0x7f); // MOVQ, MOVDQA, MOVDQU
    case 0xd6: return prefix == Prefix.OperandSize && move(VectorPart.Whole, 8, true); // MOVQ
    case 0xe7: return isPacked && move(wholeOrMmx(prefix), prefix == Prefix.None ? 8 : 16, true); // MOVNTQ, MOVNTDQ
    case 0xf0: return prefix == Prefix.F2 && move(VectorPart.Whole, 16, false); // LDDQU
    default: return false;
  }
}

/** After 0F 38 2A: MOVNTDQA. */
export function decodeVectorLoad(): bool {
  return mandatoryPrefix() == Prefix.OperandSize && move(VectorPart.Whole, 16, false);
}

/** F3 and F2 go before 66 (SDM 2A 2.1.2). */
function mandatoryPrefix(): Prefix {
  if (instruction.repetition == Repetition.WhileEqual) return Prefix.F3;
  if (instruction.repetition == Repetition.WhileNotEqual) return Prefix.F2;
  return instruction.hasOperandSize ? Prefix.OperandSize : Prefix.None;
}

function wholeOrMmx(prefix: Prefix): VectorPart {
  return prefix == Prefix.None ? VectorPart.Mmx : VectorPart.Whole;
}

function doubleOrQuadword(): u32 {
  return instruction.registerSize == 8 ? 8 : 4;
}

function move(part: VectorPart, size: u32, toMemory: bool): bool {
  instruction.operation = Operation.MoveVector;
  instruction.part = part;
  instruction.memorySize = size;
  instruction.toMemory = toMemory;
  return takeMemoryOperand();
}
