// Core 0: the units translate and remap by the tables that the plan names, once these have been sealed.

import { identifier } from "../../drivers/local-apic";
import { setCommand } from "../../drivers/pci/command";
import { Command } from "../../drivers/pci/registers";
import { HostVector } from "../../drivers/vectors";
import { FatalReason, reportFatal, stop } from "../boot/fatal";
import { print, printRest } from "../console/print";
import { load64 } from "../memory/physical";
import { PlanHeader, header32 } from "../partition/plan";
import { planBridge } from "../partition/plan-remapping";
import { deviceCount } from "../policy/reader";
import { startFaultEvents } from "../vtd/fault";
import { startInterruptRemapping } from "../vtd/interrupt-remapping";
import { startTranslation } from "../vtd/translation";
import { Unit, isAnyRemapping, unitAt, unitCount } from "../vtd/unit";

/** Lets the units go by the sealed tables. */
export function startRemapping(): void {
  if (header32(PlanHeader.UnitCount) == 0) return;
  for (let i: u32 = 0; i < unitCount(); i++) start(i);
  for (let i: u32 = 0; i < header32(PlanHeader.BridgeCount); i++) openBridge(load64(planBridge(i)));
  print(isAnyRemapping() ? "vtd: translation and interrupt remapping on" : "vtd: translation on, interrupts are not remapped");
  print(", every table matches the policy\n");
}

/** Lets a bridge pass transactions up, and accesses to the memory of what lies behind it down. */
function openBridge(page: u64): void { setCommand(page, Command.BusMaster | Command.MemorySpace, true); }

function start(index: u32): void {
  const unit = unitAt(index);
  let failure = startTranslation(unit);
  if (failure.length == 0 && !startInterrupts(unit)) failure = "interrupt remapping not switched on in time (VT-d 11.4.4)";
  if (failure.length != 0) {
    reportFatal(FatalReason.RemappingStart);
    print("  vtd unit %d: ", index);
    printRest(failure);
    stop();
  }
  startFaultEvents(unit, identifier(), HostVector.RemappingFault);
}

/** False if the unit does not remap interrupts as told, or not at all although devices are given away. */
function startInterrupts(unit: Unit): bool {
  if (header32(PlanHeader.RemapsInterrupts) != 0 && !startInterruptRemapping(unit)) return false;
  return deviceCount() == 0 || unit.isRemapping != 0;
}
