// Interrupts that the kernel itself takes, by way of a remapping entry where the source's unit remaps.

import { interruptRemappingAllowed } from "../drivers/acpi/dmar/parse";
import { ScopeKind } from "../drivers/acpi/dmar/records";
import { hpetNumber } from "../drivers/acpi/hpet";
import { ioApicIdentifier } from "../drivers/acpi/madt";
import { routeComparator } from "../drivers/hpet-timer";
import { isaIoApic, isaIsLevel, NO_IO_APIC, routeIsa, routeIsaRemapped, RouteStatus } from "../drivers/io-apic";
import { sourceValidation } from "./interrupt-entry";
import { findInterruptScope, interruptSourceId, interruptUnit, NO_SCOPE } from "./interrupt-sources";
import { allocateEntries, clearEntry, EntryStatus, NO_ENTRY, writeEntry } from "./interrupt-table";
import { MESSAGE_DATA, messageAddress } from "../../kernel/vtd/message";
import { ECAP_IR } from "../../kernel/vtd/register";
import { Unit, unitAt, unitCount } from "../../kernel/vtd/unit";

let madeIndex: u32 = NO_ENTRY;
let madeScope: u32 = NO_SCOPE;

/** Index of the remapping entry that the last route takes; NO_ENTRY if it takes none. */
export function routeEntry(): u32 { return madeIndex; }
/** Unit that holds it. */
export function routeUnit(): Unit { return interruptUnit(madeScope); }
/** Who may use it. */
export function routeValidation(): u32 { return sourceValidation(interruptSourceId(madeScope)); }

/**
 * Sends the ISA interrupt `irq` as `vector` to the core `apicId`. Each call for a remapped interrupt takes a new entry. Before the seal too: the
 * route then holds once the units remap.
 */
export function routeKernelInterrupt(irq: u32, vector: u32, apicId: u32): RouteStatus {
  madeIndex = NO_ENTRY;
  if (!isAnyRemapping()) return routeIsa(irq, vector, apicId);
  const ioApic = isaIoApic(irq);
  if (ioApic == NO_IO_APIC) return RouteStatus.NoSuchInterrupt;
  const scope = findInterruptScope(ScopeKind.IoApic, ioApicIdentifier(ioApic));
  if (scope == NO_SCOPE) return RouteStatus.SourceUnknown;
  if (!remapsInterrupts(interruptUnit(scope))) return routeIsa(irq, vector, apicId);
  const status = makeEntry(scope, vector, apicId, isaIsLevel(irq));
  return status == RouteStatus.Done ? routeIsaRemapped(irq, vector, madeIndex) : status;
}

/** Whether a unit remaps interrupts, or will do so behind the seal. */
function remapsInterrupts(unit: Unit): bool {
  if (unit.isRemapping != 0) return true;
  return interruptRemappingAllowed() && (unit.extended & ECAP_IR) != 0 && unit.interruptTable != 0 && unit.queue != 0;
}

function isAnyRemapping(): bool {
  for (let i: u32 = 0; i < unitCount(); i++) {
    if (remapsInterrupts(unitAt(i))) return true;
  }
  return false;
}

/**
 * Lets a comparator of the HPET send `vector` to the core `apicId`; without this its messages are blocked. Only where the
 * HPET's unit remaps interrupts.
 */
export function routeHpet(comparator: u32, vector: u32, apicId: u32): RouteStatus {
  const scope = findInterruptScope(ScopeKind.Hpet, hpetNumber());
  if (scope == NO_SCOPE || !remapsInterrupts(interruptUnit(scope))) return RouteStatus.SourceUnknown;
  const status = makeEntry(scope, vector, apicId, false);
  if (status != RouteStatus.Done) return status;
  if (routeComparator(comparator, messageAddress(madeIndex), MESSAGE_DATA)) return RouteStatus.Done;
  return clearEntry(interruptUnit(scope), madeIndex) == EntryStatus.Done ? RouteStatus.NoSuchInterrupt : RouteStatus.EntryRefused;
}

/** Writes an entry for the scope's device; its index is then in madeIndex. */
function makeEntry(scope: u32, vector: u32, apicId: u32, levelTriggered: bool): RouteStatus {
  const unit = interruptUnit(scope);
  madeScope = scope;
  madeIndex = allocateEntries(unit, 1);
  if (madeIndex == NO_ENTRY) return RouteStatus.TableFull;
  const status = writeEntry(unit, madeIndex, vector, apicId, levelTriggered, sourceValidation(interruptSourceId(scope)));
  if (status == EntryStatus.CoreUnreachable) return RouteStatus.CoreUnreachable;
  return status == EntryStatus.Done ? RouteStatus.Done : RouteStatus.EntryRefused;
}
