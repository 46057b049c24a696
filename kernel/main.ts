// Entry points of the kernel. The hand-written floor (boot/) calls them and nothing else.

import { startSystem } from "./boot/start-system";
import { joinSystem } from "./boot/join-system";
import { reportTrap } from "./boot/trap";
import { handleExit, reportEntryFailure } from "./cpu/backend";
import { prepareEntry } from "./partition/entry";

/** Core 0, on the floor's first page tables, with the plan that the planner left at Fixed.Plan. */
export function boot(): void {
  startSystem();
}

/** Every other core, on its own sealed page tables. */
export function bootApplication(): void {
  joinSystem();
}

/** After each VM exit; returns NextEntry. */
export function exit(): u32 {
  handleExit();
  return prepareEntry();
}

/** VMLAUNCH or VMRESUME failed with CF (1) or ZF (2). */
export function entryFailed(status: u32): void {
  reportEntryFailure(status);
}

/** Exception in root mode; its frame lies at Fixed.TrapFrame. */
export function trap(): void {
  reportTrap();
}
