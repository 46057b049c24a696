// Source ids of what sends interrupts without being a PCI function of the scan: I/O APICs and HPETs. The DMAR table names
// each in a device scope of the unit that remaps its interrupts, VT-d 4.1 8.3.1.

import { RecordKind, ScopeKind, scopeCount, scopeEnumerationId, scopeKind, scopeOwner, scopeOwnerKind } from "../drivers/acpi/dmar/records";
import { NO_SOURCE_ID, scopeSourceId } from "./scope";
import { Unit, unitAt } from "../../kernel/vtd/unit";

export const NO_SCOPE: u32 = 0xffffffff;

/** Scope of the I/O APIC (by I/O APIC ID) or HPET (by HPET Number); NO_SCOPE if none leads to a source id. */
export function findInterruptScope(kind: ScopeKind, enumerationId: u32): u32 {
  for (let scope: u32 = 0; scope < scopeCount(); scope++) {
    if (scopeOwnerKind(scope) != RecordKind.Unit || scopeKind(scope) != kind) continue;
    if (scopeEnumerationId(scope) == enumerationId && interruptSourceId(scope) != NO_SOURCE_ID) return scope;
  }
  return NO_SCOPE;
}

/** Unit that remaps the interrupts of a scope's device. */
export function interruptUnit(scope: u32): Unit {
  return unitAt(scopeOwner(scope));
}

export function interruptSourceId(scope: u32): u32 {
  return scopeSourceId(scope, interruptUnit(scope).segment);
}
