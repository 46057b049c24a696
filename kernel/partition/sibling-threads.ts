// Hyper-threads of one processor core share its caches, buffers and predictors, so two of them never run two partitions.
// A thread beside a partition that runs none is parked (park.ts): it sleeps in the kernel.

import { coreApicId } from "../../drivers/acpi/madt";
import { print, printDecimal, printLine } from "../console/print";
import { siblingShift } from "../cpu/topology";
import { partitionCore, partitionCount } from "../policy/reader";
import { printPartitionName } from "./current";

/** Names every two partitions that the policy places on one processor core; returns their number. */
export function refuseSiblingThreads(): u32 {
  const shift = siblingShift();
  if (shift == 0) return 0;
  let refused: u32 = 0;
  for (let first: u32 = 0; first < partitionCount(); first++) {
    for (let second: u32 = first + 1; second < partitionCount(); second++) {
      if (apicId(first) >> shift != apicId(second) >> shift) continue;
      refused++;
      report(first, second);
    }
  }
  return refused;
}

function apicId(partition: u32): u32 { return coreApicId(partitionCore(partition)); }

function report(first: u32, second: u32): void {
  print("refused: partitions ");
  printPartitionName(first);
  print(" and ");
  printPartitionName(second);
  print(" on two threads of one core (APIC IDs ");
  printDecimal(apicId(first));
  print(" and ");
  printDecimal(apicId(second));
  print("): give one another core, or switch hyper-threading off in the firmware");
  printLine();
}
