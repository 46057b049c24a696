// Instruction prefixes (SDM 2A 2.1.1, 2.2.1).

import { next8 } from "./fetch";
import { defaultSize, isLongMode } from "./frame";
import { Repetition, instruction } from "./instruction";
import { Segment } from "./segment";

const enum Prefix {
  Es = 0x26,
  Cs = 0x2e,
  Ss = 0x36,
  Ds = 0x3e,
  Fs = 0x64,
  Gs = 0x65,
  OperandSize = 0x66,
  AddressSize = 0x67,
  Lock = 0xf0,
  Repne = 0xf2,
  Rep = 0xf3,
}

const REX: u32 = 0x40;
export const enum Rex { B = 1 << 0, X = 1 << 1, R = 1 << 2, W = 1 << 3 }

/** REX prefix of the instruction decoded last; 0 if there is none. */
let rex: u32 = 0;
/** A prefix names the segment. */
let hasSegment: bool = false;

/** Takes all prefixes; sets the sizes, segment, repetition and hasRex. Returns the first byte of the opcode. */
export function takePrefixes(): u32 {
  let hasOperandSize = false;
  let hasAddressSize = false;
  instruction.repetition = Repetition.None;
  instruction.segment = Segment.Ds;
  hasSegment = false;
  rex = 0;
  while (true) {
    const byte = next8();
    switch (byte) {
      case Prefix.OperandSize: hasOperandSize = true; break;
      case Prefix.AddressSize: hasAddressSize = true; break;
      case Prefix.Rep: instruction.repetition = Repetition.WhileEqual; break;
      case Prefix.Repne: instruction.repetition = Repetition.WhileNotEqual; break;
      case Prefix.Es: overrideSegment(Segment.Es); break;
      case Prefix.Cs: overrideSegment(Segment.Cs); break;
      case Prefix.Ss: overrideSegment(Segment.Ss); break;
      case Prefix.Ds: overrideSegment(Segment.Ds); break;
      case Prefix.Fs: overrideSegment(Segment.Fs); break;
      case Prefix.Gs: overrideSegment(Segment.Gs); break;
      case Prefix.Lock: break;
      default: {
        if (isLongMode() && (byte & 0xf0) == REX) {
          rex = byte;
          continue; // counts only as the last prefix
        }
        setSizes(hasOperandSize, hasAddressSize);
        return byte;
      }
    }
    rex = 0;
  }
}

/** Adds a REX bit as bit 3 to a register number of 3 bits. */
export function extend(register: u32, bit: Rex): u32 {
  return rex & <u32>bit ? register | 8 : register;
}

/** Operands addressed by RSP or RBP are in the stack segment, unless a prefix says otherwise (SDM 1 3.7.4). */
export function useStackSegment(): void {
  if (!hasSegment) instruction.segment = Segment.Ss;
}

/** In 64-bit mode prefixes of the four segments without a base do nothing, even after one of FS or GS (SDM 1 3.7.4.1). */
function overrideSegment(segment: Segment): void {
  if (isLongMode() && segment < Segment.Fs) return;
  instruction.segment = segment;
  hasSegment = true;
}

function setSizes(hasOperandSize: bool, hasAddressSize: bool): void {
  instruction.hasRex = rex != 0;
  instruction.hasOperandSize = hasOperandSize;
  if (isLongMode()) {
    instruction.registerSize = rex & Rex.W ? 8 : hasOperandSize ? 2 : 4;
    instruction.addressSize = hasAddressSize ? 4 : 8;
    return;
  }
  instruction.registerSize = hasOperandSize ? otherSize() : defaultSize();
  instruction.addressSize = hasAddressSize ? otherSize() : defaultSize();
}

function otherSize(): u32 {
  return 6 - defaultSize();
}
