// Global commands of a unit, VT-d 4.1 11.4.4: one bit at a time, and each waits until the status says that it was done.

import { GLOBAL_KEPT, Global, PMEN_EPM, PMEN_PRS, Register } from "./register";
import { Unit, read32, write32 } from "./unit";
import { mayWait, startWait } from "./wait";

/** Switches TE, QIE, IRE or CFI; false if the unit does not follow. */
export function setGlobal(unit: Unit, bit: u32, on: bool): bool {
  const kept = read32(unit, Register.GSTS) & GLOBAL_KEPT;
  write32(unit, Register.GCMD, on ? kept | bit : kept & ~bit);
  return waitForStatus(unit, Register.GSTS, bit, on);
}

/** SRTP or SIRTP, after which the unit uses the table that RTADDR or IRTA names; false if the unit does not follow. */
export function setTablePointer(unit: Unit, bit: u32): bool {
  write32(unit, Register.GCMD, (read32(unit, Register.GSTS) & GLOBAL_KEPT) | bit);
  return waitForStatus(unit, Register.GSTS, bit, true);
}

/** Makes earlier writes of tables visible to a unit that has CAP.RWBF; false if the unit does not follow. */
export function flushWriteBuffer(unit: Unit): bool {
  write32(unit, Register.GCMD, (read32(unit, Register.GSTS) & GLOBAL_KEPT) | <u32>Global.WBF);
  return waitForStatus(unit, Register.GSTS, Global.WBF, false);
}

/** Opens the memory that firmware closed to all devices (11.4.16); translation must be on before. False if the unit does not follow. */
export function disableProtectedMemory(unit: Unit): bool {
  const enable = read32(unit, Register.PMEN);
  if ((enable & (PMEN_EPM | PMEN_PRS)) == 0) return true;
  write32(unit, Register.PMEN, enable & ~PMEN_EPM);
  return waitForStatus(unit, Register.PMEN, PMEN_PRS, false);
}

function waitForStatus(unit: Unit, register: Register, bit: u32, set: bool): bool {
  startWait();
  do {
    if (((read32(unit, register) & bit) != 0) == set) return true;
  } while (mayWait());
  return false;
}
