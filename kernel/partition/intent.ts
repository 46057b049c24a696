// What a vCPU asks for in an exit, for its partition as a whole: its end, or a restart. lifecycle.ts carries it out.

import { Text, printText } from "../boot/symbols";
import { print, printHex, printLine } from "../console/print";
import { HealthAction } from "../policy/layout";
import { onFault, restartLimit } from "../policy/reader";
import { Attention, attend, attention } from "./attention";
import { auditFault } from "./audit";
import { currentPartition, printPartitionName } from "./current";
import { kickOthers } from "./kick";
import { faultAddress } from "./monitor";
import { faultRestarts, proposeWish, setFaultRestarts } from "./status-page";

/** Why a partition stands still. Numbers are printed and never reused. Texts: kernel/texts.json. */
export const enum StopReason {
  PoweredOff = 1,
  TripleFault = 2,
  EntryFailure = 3,
  MonitorFault = 4,
  Violation = 5,
  Halted = 6,
  LoadFailed = 7,
  TooManyRestarts = 8,
  DeviceViolation = 9,
  DeviceReset = 10,
  CoreSilent = 11,
}

/** A wish in the status page is a StopReason, or this. */
export const RESTART: u32 = 1 << 8;

/** Whether the handler of this exit asked for something else than to go on. */
// @ts-ignore: decorator
@inline
export function hasIntent(): bool { return (attention() & Attention.Intent) != 0; }

/** False if a wish that came before is the one that counts. */
function wishFor(wanted: u32): bool {
  attend(Attention.Intent);
  const isFirst = proposeWish(currentPartition(), wanted);
  if (isFirst) kickOthers();
  return isFirst;
}

/** Asks for the end of the partition at the next entry. */
export function stopPartition(reason: StopReason): void { wishFor(reason); }

/** The guest reset its machine, which is its right: no limit. */
export function resetPartition(): void { wishFor(RESTART); }

/** The partition failed: its policy restarts or stops it. */
export function partitionFault(reason: StopReason): void {
  auditFault(reason);
  applyHealthAction(onFault(currentPartition()), reason);
}

/** Restarts or stops the partition. */
export function applyHealthAction(action: HealthAction, reason: StopReason): void {
  print("partition ");
  printPartitionName(currentPartition());
  print(": ");
  printText(Text.StopReason, reason);
  printLine();
  if (action != HealthAction.Restart) return stopPartition(reason);
  const count = faultRestarts(currentPartition());
  if (count >= restartLimit(currentPartition())) return stopPartition(StopReason.TooManyRestarts);
  if (wishFor(RESTART)) setFaultRestarts(currentPartition(), count + 1);
}

export function onMonitorFault(): void {
  print("monitor fault at ");
  printHex(faultAddress(), 16);
  printLine();
  partitionFault(StopReason.MonitorFault);
}
