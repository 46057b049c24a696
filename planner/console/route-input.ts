// COM1's interrupt: its way to core 0 is laid before the seal, and nothing comes by it until COM1 is told to send (startConsoleInput()).

import { RouteStatus, isaIsLevel } from "../drivers/io-apic";
import { identifier } from "../../drivers/local-apic";
import { HostVector } from "../../drivers/vectors";
import { FatalReason, fatalWith } from "../../kernel/boot/fatal";
import { NO_UNIT, PlanHeader } from "../../kernel/partition/plan";
import { routeEntry, routeKernelInterrupt, routeUnit, routeValidation } from "../vtd/interrupt-routes";
import { NO_ENTRY } from "../vtd/interrupt-table";
import { printRest } from "../../kernel/console/print";
import { setHeader32 } from "../partition/plan-writer";

const IRQ_COM1: u32 = 4;

/** Writes the route, and its remapping entry into the plan. */
export function routeInput(): void {
  setHeader32(PlanHeader.InputUnit, NO_UNIT);
  const status = routeKernelInterrupt(IRQ_COM1, HostVector.ConsoleInput, identifier());
  // A known fault of firmware; housekeeping looks for input all the same.
  if (status == RouteStatus.SourceUnknown) return printRest("console: the DMAR table names no I/O APIC, so that input is polled");
  if (status != RouteStatus.Done) fatalWith(FatalReason.InterruptRoute, "status", status);
  if (routeEntry() == NO_ENTRY) return;
  setHeader32(PlanHeader.InputUnit, routeUnit().index);
  setHeader32(PlanHeader.InputEntry, routeEntry());
  setHeader32(PlanHeader.InputValidation, routeValidation());
  setHeader32(PlanHeader.InputLevel, isaIsLevel(IRQ_COM1) ? 1 : 0);
}
