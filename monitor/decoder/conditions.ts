// SETcc and CMOVcc (SDM 1 appendix B).

import { VcpuFrame } from "../interface";
import { Rflags, frame, readRegister } from "./frame";
import { instruction } from "./instruction";
import { setRegister } from "./other-operand";

const enum Condition { Overflow = 0, Below = 1, Equal = 2, BelowOrEqual = 3, Sign = 4, Parity = 5, Less = 6, LessOrEqual = 7 }

/** Whether the condition of the instruction holds; bit 0 of its code turns it around. */
export function holds(): bool {
  return isTrue(<Condition>(instruction.condition >> 1)) != ((instruction.condition & 1) != 0);
}

function isTrue(condition: Condition): bool {
  switch (condition) {
    case Condition.Overflow: return has(Rflags.Of);
    case Condition.Below: return has(Rflags.Cf);
    case Condition.Equal: return has(Rflags.Zf);
    case Condition.BelowOrEqual: return has(Rflags.Cf) || has(Rflags.Zf);
    case Condition.Sign: return has(Rflags.Sf);
    case Condition.Parity: return has(Rflags.Pf);
    case Condition.Less: return has(Rflags.Sf) != has(Rflags.Of);
    default: return has(Rflags.Zf) || has(Rflags.Sf) != has(Rflags.Of);
  }
}

function has(flag: Rflags): bool {
  return (frame(VcpuFrame.Rflags) & <u64>flag) != 0;
}

/** CMOVcc reads memory and writes the register, whose upper half a 32-bit one clears, in any case. */
export function conditionalMove(value: u64): void {
  setRegister(holds() ? value : readRegister(instruction.register, instruction.registerSize));
}
