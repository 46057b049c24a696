// Interrupts that the kernel itself takes, by way of a remapping entry where the source's unit remaps.

import { ScopeKind } from "../../drivers/acpi/dmar/records";
import { hpetNumber } from "../../drivers/acpi/hpet";
import { ioApicIdentifier } from "../../drivers/acpi/madt";
import { routeComparator } from "../../drivers/hpet-timer";
import { isaIoApic, isaIsLevel, NO_IO_APIC, routeIsa, routeIsaRemapped, RouteStatus } from "../../drivers/io-apic";
import { MESSAGE_DATA, messageAddress, sourceValidation } from "./interrupt-entry";
import { findInterruptScope, interruptSourceId, interruptUnit, isAnyRemapping, NO_SCOPE } from "./interrupt-sources";
import { allocateEntries, clearEntry, EntryStatus, NO_ENTRY, writeEntry } from "./interrupt-table";

let madeIndex: u32 = NO_ENTRY;

/** Sends the ISA interrupt `irq` as `vector` to the core `apicId`. Each call for a remapped interrupt takes a new entry. */
export function routeKernelInterrupt(irq: u32, vector: u32, apicId: u32): RouteStatus {
  if (!isAnyRemapping()) return routeIsa(irq, vector, apicId);
  const ioApic = isaIoApic(irq);
  if (ioApic == NO_IO_APIC) return RouteStatus.NoSuchInterrupt;
  const scope = findInterruptScope(ScopeKind.IoApic, ioApicIdentifier(ioApic));
  if (scope == NO_SCOPE) return RouteStatus.SourceUnknown;
  if (interruptUnit(scope).isRemapping == 0) return routeIsa(irq, vector, apicId);
  const status = makeEntry(scope, vector, apicId, isaIsLevel(irq));
  return status == RouteStatus.Done ? routeIsaRemapped(irq, vector, madeIndex) : status;
}

/**
 * Lets a comparator of the HPET send `vector` to the core `apicId`; without this its messages are blocked. Only where the
 * HPET's unit remaps interrupts.
 */
export function routeHpet(comparator: u32, vector: u32, apicId: u32): RouteStatus {
  const scope = findInterruptScope(ScopeKind.Hpet, hpetNumber());
  if (scope == NO_SCOPE || interruptUnit(scope).isRemapping == 0) return RouteStatus.SourceUnknown;
  const status = makeEntry(scope, vector, apicId, false);
  if (status != RouteStatus.Done) return status;
  if (routeComparator(comparator, messageAddress(madeIndex), MESSAGE_DATA)) return RouteStatus.Done;
  return clearEntry(interruptUnit(scope), madeIndex) == EntryStatus.Done ? RouteStatus.NoSuchInterrupt : RouteStatus.EntryRefused;
}

/** Writes an entry for the scope's device; its index is then in madeIndex. */
function makeEntry(scope: u32, vector: u32, apicId: u32, levelTriggered: bool): RouteStatus {
  const unit = interruptUnit(scope);
  madeIndex = allocateEntries(unit, 1);
  if (madeIndex == NO_ENTRY) return RouteStatus.TableFull;
  const status = writeEntry(unit, madeIndex, vector, apicId, levelTriggered, sourceValidation(interruptSourceId(scope)));
  if (status == EntryStatus.CoreUnreachable) return RouteStatus.CoreUnreachable;
  return status == EntryStatus.Done ? RouteStatus.Done : RouteStatus.EntryRefused;
}
