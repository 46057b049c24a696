// From the DMAR table to units that translate: find them, give each its frames, and hand over from firmware without a
// moment in which a device reaches what it must not.

import { DmarStatus, parseDmar } from "../../drivers/acpi/dmar/parse";
import { unitRegisters, unitSegment, unitCount as dmarUnitCount } from "../../drivers/acpi/dmar/records";
import { allocate } from "../memory/frames";
import { BOOT_DIRECT_END, PAGE_SIZE } from "../memory/layout";
import { flushCache } from "../memory/physical";
import { disableProtectedMemory, flushWriteBuffer, setGlobal, setTablePointer } from "./command";
import { RemappingStatus, createInterruptTable, startInterruptRemapping } from "./interrupt-table";
import { InvalidationStatus, startInvalidation } from "./invalidate";
import { CAP_RWBF, Global, RTADDR_TTM_SCALABLE, Register } from "./register";
import { allocateQueue } from "./queue";
import { forgetAll } from "./refresh";
import { chooseShape } from "./shape";
import { MAXIMUM_UNITS, Unit, addUnit, clearUnits, read32, read64, unitAt, unitCount, write64 } from "./unit";

export const enum SetupStatus {
  Done = 0,
  /** There is no DMAR table: the machine has no VT-d, or firmware has it switched off. */
  NoTable = 1,
  /** See dmarFailureOffset() and dmarStatusText(tableStatus()). */
  TableMalformed = 2,
  OutOfFrames = 3,
  /** The unit does not carry out an invalidation. */
  NotInvalidated = 4,
  /** The unit does not take the root table. */
  RootTable = 5,
  /** The unit does not switch translation on or off. */
  Translation = 6,
  /** The unit does not take the interrupt remapping table. */
  InterruptTable = 7,
  /** The unit does not open the protected memory of firmware. */
  ProtectedMemory = 8,
  /** The write buffer does not empty. */
  WriteBuffer = 9,
  /** The registers of a unit lie above what core 0 reaches while it starts. */
  OutOfReach = 10,
}

export function setupStatusText(status: u32): string {
  switch (status) {
    case SetupStatus.Done: return "done";
    case SetupStatus.NoTable: return "no DMAR table: switch VT-d on in the firmware's set-up";
    case SetupStatus.TableMalformed: return "DMAR table malformed";
    case SetupStatus.OutOfFrames: return "out of physical memory";
    case SetupStatus.NotInvalidated: return "invalidation not carried out (VT-d 6.5)";
    case SetupStatus.RootTable: return "GSTS.RTPS not set in time (VT-d 11.4.4)";
    case SetupStatus.Translation: return "GSTS.TES did not follow in time (VT-d 11.4.4)";
    case SetupStatus.InterruptTable: return "interrupt remapping not switched on in time (VT-d 11.4.4)";
    case SetupStatus.ProtectedMemory: return "PMEN.PRS not cleared in time (VT-d 11.4.16)";
    case SetupStatus.WriteBuffer: return "GSTS.WBFS not cleared in time (VT-d 11.4.4)";
    case SetupStatus.OutOfReach: return "registers of a unit above 16 GiB";
    default: return "unknown status";
  }
}

let parsed: DmarStatus = DmarStatus.Missing;

/** What findUnits() found of the DMAR table. */
export function tableStatus(): DmarStatus { return parsed; }

/** Finds the units. */
export function findUnits(): SetupStatus {
  clearUnits();
  parsed = parseDmar();
  if (parsed == DmarStatus.Missing) return SetupStatus.NoTable;
  if (parsed != DmarStatus.Done) return SetupStatus.TableMalformed;
  const count = min(dmarUnitCount(), MAXIMUM_UNITS);
  for (let i: u32 = 0; i < count; i++) {
    if (unitRegisters(i) >= BOOT_DIRECT_END) return SetupStatus.OutOfReach;
    addUnit(unitRegisters(i), unitSegment(i));
  }
  return SetupStatus.Done;
}

/** Chooses the form of root, context and second-level tables; `scalable`: the policy asks for scalable mode. */
export function chooseMode(scalable: bool): void {
  for (let i: u32 = 0; i < unitCount(); i++) unitAt(i).isScalable = scalable ? 1 : 0;
  chooseShape(scalable);
}

/** Gives each unit an empty root table, which denies everything, an empty interrupt remapping table, and its queue, which core 0 maps. */
export function prepareUnits(): SetupStatus {
  for (let i: u32 = 0; i < unitCount(); i++) {
    const unit = unitAt(i);
    unit.rootTable = allocate(1, 1);
    if (unit.rootTable == 0 || !createInterruptTable(unit) || !allocateQueue(unit)) return SetupStatus.OutOfFrames;
    flushCache(unit.rootTable, PAGE_SIZE);
  }
  return SetupStatus.Done;
}

/** Lets a unit translate by the tables that were built for it; all must have been checked before. */
export function startTranslation(unit: Unit): SetupStatus {
  if ((unit.capability & CAP_RWBF) != 0 && !flushWriteBuffer(unit)) return SetupStatus.WriteBuffer;
  if (!leaveOtherMode(unit)) return SetupStatus.Translation;
  if (startInvalidation(unit) != InvalidationStatus.Done) return SetupStatus.NotInvalidated;
  write64(unit, Register.RTADDR, rootPointer(unit));
  if (!setTablePointer(unit, Global.SRTP)) return SetupStatus.RootTable;
  // Only hardware with CAP.ESRTPS forgets by itself (VT-d 4.1 11.4.2).
  if (!forgetAll(unit)) return SetupStatus.NotInvalidated;
  if (!setGlobal(unit, Global.TE, true)) return SetupStatus.Translation;
  unit.isTranslating = 1;
  return disableProtectedMemory(unit) ? SetupStatus.Done : SetupStatus.ProtectedMemory;
}

/** Lets a unit remap interrupts, if it can; translation is on. */
export function startInterrupts(unit: Unit): SetupStatus {
  const status = startInterruptRemapping(unit);
  return status == RemappingStatus.Done || status == RemappingStatus.Unsupported ? SetupStatus.Done : SetupStatus.InterruptTable;
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
