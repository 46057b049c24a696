// Translation of a unit goes on: the hand-over from firmware without a moment in which a device reaches what it must not.

import { disableProtectedMemory, flushWriteBuffer, setGlobal, setTablePointer } from "./command";
import { InvalidationStatus, startInvalidation } from "./invalidate";
import { forgetAll } from "./refresh";
import { CAP_RWBF, Global, RTADDR_TTM_SCALABLE, Register } from "./register";
import { Unit, read32, read64, write64 } from "./unit";

const TRANSLATION: string = "GSTS.TES did not follow in time (VT-d 11.4.4)";
const NOT_INVALIDATED: string = "invalidation not carried out (VT-d 6.5)";

/** Lets a unit translate by the tables that were built for it, all of which must have been checked; why it does not, empty if it does. */
export function startTranslation(unit: Unit): string {
  if ((unit.capability & CAP_RWBF) != 0 && !flushWriteBuffer(unit)) return "GSTS.WBFS not cleared in time (VT-d 11.4.4)";
  if (!leaveOtherMode(unit)) return TRANSLATION;
  if (startInvalidation(unit) != InvalidationStatus.Done) return NOT_INVALIDATED;
  write64(unit, Register.RTADDR, rootPointer(unit));
  if (!setTablePointer(unit, Global.SRTP)) return "GSTS.RTPS not set in time (VT-d 11.4.4)";
  // Only hardware with CAP.ESRTPS forgets by itself (VT-d 4.1 11.4.2).
  if (!forgetAll(unit)) return NOT_INVALIDATED;
  if (!setGlobal(unit, Global.TE, true)) return TRANSLATION;
  unit.isTranslating = 1;
  return disableProtectedMemory(unit) ? "" : "PMEN.PRS not cleared in time (VT-d 11.4.16)";
}

function rootPointer(unit: Unit): u64 {
  return unit.rootTable | (unit.isScalable != 0 ? RTADDR_TTM_SCALABLE : 0);
}

/**
 * Translation that firmware left on goes on until the new root table takes its place, so that nothing is open in between;
 * only a change of mode makes it end first (11.4.5). Bus mastering is off for every device by then.
 */
function leaveOtherMode(unit: Unit): bool {
  if ((read32(unit, Register.GSTS) & <u32>Global.TE) == 0) return true;
  const current = read64(unit, Register.RTADDR) & RTADDR_TTM_SCALABLE;
  if ((current != 0) == (unit.isScalable != 0)) return true;
  return setGlobal(unit, Global.TE, false);
}
