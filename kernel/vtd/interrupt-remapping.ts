// Interrupt remapping of a unit goes on, VT-d 4.1 5.1: from then on an interrupt that names no present entry of its table, or comes from another
// source than its entry's, is blocked.

import { usesMsrs } from "../../drivers/local-apic";
import { setGlobal, setTablePointer } from "./command";
import { invalidateInterrupts } from "./invalidate";
import { InvalidationStatus } from "./invalidation-status";
import { ECAP_EIM, ECAP_IR, Global, Register } from "./register";
import { Unit, read32, write64 } from "./unit";

/** Entries of a table, which is one frame. */
export const INTERRUPT_ENTRIES: u32 = 256;

/** Interrupt Remapping Table Address, 11.4.22: S, bits 3:0, stands for 2^(S + 1) entries. */
const IRTA_SIZE: u64 = 7;
/** EIME: destinations are 32-bit x2APIC identifiers. */
const IRTA_EIME: u64 = 1 << 11;
/** In xAPIC form the identifier lies in bits 15:8 of a destination. */
const XAPIC_SHIFT: u32 = 8;

/** True if the unit's entries hold x2APIC identifiers, because the cores run in that mode. */
export function usesExtendedDestinations(unit: Unit): bool {
  return usesMsrs() && (unit.extended & ECAP_EIM) != 0;
}

/** Destination of a core's local APIC, as entries and posted descriptors hold it; `extended`: x2APIC form. */
export function destinationOf(apicId: u32, extended: bool): u32 {
  return extended ? apicId : apicId << XAPIC_SHIFT;
}

/**
 * Makes the unit use the kernel's table and remap all interrupts, if it can: without a queue nothing invalidates its entry cache
 * (VT-d 4.1 6.5.2.7). Remapping that firmware left on stays on, so that no interrupt passes in between. False if it does not follow.
 */
export function startInterruptRemapping(unit: Unit): bool {
  if ((unit.extended & ECAP_IR) == 0 || unit.interruptTable == 0 || unit.queue == 0) return true;
  const extended: u64 = usesExtendedDestinations(unit) ? IRTA_EIME : 0;
  write64(unit, Register.IRTA, unit.interruptTable | extended | IRTA_SIZE);
  if (!setTablePointer(unit, Global.SIRTP) || !blockCompatibilityFormat(unit)) return false;
  // Only hardware with CAP.ESIRTPS forgets its cached entries by itself.
  if (invalidateInterrupts(unit) != InvalidationStatus.Done || !setGlobal(unit, Global.IRE, true)) return false;
  unit.isRemapping = 1;
  return true;
}

/** QEMU has no CFIS: only a unit that shows the bit set is told, and waited for. */
function blockCompatibilityFormat(unit: Unit): bool {
  return (read32(unit, Register.GSTS) & Global.CFI) == 0 || setGlobal(unit, Global.CFI, false);
}
