// Core 0: the end of the system, with a table of what ran.

import { halt } from "../boot/stub";
import { Text, printText } from "../boot/symbols";
import { drainCompletely, flush } from "../console/console";
import { print, printDecimal, printLine } from "../console/print";
import { EXIT_COUNTERS } from "../cpu/backend";
import { partitionCount, partitionMemory, powersOffWhenDone } from "../policy/reader";
import { powerOffMachine } from "../../drivers/power";
import { printCores } from "./core-list";
import { printPartitionName } from "./current";
import { PlanHeader, planAddress } from "./plan";
import { PartitionState, exits, restarts, state, stopReason, violations } from "./status-page";

/** Prints the summary and ends the system if no partition runs any more. */
export function finishIfDone(): void {
  for (let partition: u32 = 0; partition < partitionCount(); partition++) {
    if (state(partition) != PartitionState.Stopped) return;
  }
  drainCompletely();
  print("summary: no partition runs any more");
  printLine();
  for (let partition: u32 = 0; partition < partitionCount(); partition++) printPartition(partition);
  flush();
  if (powersOffWhenDone()) powerOffMachine(planAddress() + PlanHeader.PowerOff);
  print("the machine can be switched off");
  printLine();
  flush();
  halt();
}

function printPartition(partition: u32): void {
  print("summary: ");
  printPartitionName(partition);
  print(": ");
  printCores(partition);
  print(", ");
  printDecimal(partitionMemory(partition) >> 20);
  print(" MiB, ");
  printText(Text.StopReason, stopReason(partition));
  print(", restarts ");
  printDecimal(restarts(partition));
  print(", violations ");
  printDecimal(violations(partition));
  printLine();
  for (let reason: u32 = 0; reason < EXIT_COUNTERS; reason++) {
    if (exits(partition, reason) != 0) printExits(partition, reason);
  }
}

function printExits(partition: u32, reason: u32): void {
  print("summary: ");
  printPartitionName(partition);
  print(": exits ");
  printText(Text.ExitReason, reason);
  print(" ");
  printDecimal(exits(partition, reason));
  printLine();
}
