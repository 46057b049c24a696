// Hyper-threads of one processor core share its caches, buffers and predictors, so two of them never run two partitions; one partition may have both.
// A thread beside a partition that runs none is parked (park.ts): it sleeps in the kernel.

import { coreApicId } from "../drivers/acpi/madt";
import { print, printDecimal, printLine } from "../../kernel/console/print";
import { siblingShift } from "../../kernel/cpu/topology";
import { partitionCore, partitionCount, partitionVcpuCount } from "../../kernel/policy/reader";
import { printPartitionName } from "../../kernel/partition/current";

/** Names every two partitions that the policy places on one processor core; returns their number. */
export function refuseSiblingThreads(): u32 {
  const shift = siblingShift();
  if (shift == 0) return 0;
  let refused: u32 = 0;
  for (let first: u32 = 0; first < partitionCount(); first++) {
    for (let second: u32 = first + 1; second < partitionCount(); second++) {
      refused += refuseOf(first, second, shift);
    }
  }
  return refused;
}

/** Pairs of threads that two partitions have of the same cores. */
function refuseOf(first: u32, second: u32, shift: u32): u32 {
  let refused: u32 = 0;
  for (let i: u32 = 0; i < partitionVcpuCount(first); i++) {
    for (let j: u32 = 0; j < partitionVcpuCount(second); j++) {
      const own = coreApicId(partitionCore(first, i));
      const other = coreApicId(partitionCore(second, j));
      if (own >> shift != other >> shift) continue;
      refused++;
      report(first, own, second, other);
    }
  }
  return refused;
}

function report(first: u32, firstApicId: u32, second: u32, secondApicId: u32): void {
  print("refused: partitions ");
  printPartitionName(first);
  print(" and ");
  printPartitionName(second);
  print(" on two threads of one core (APIC IDs ");
  printDecimal(firstApicId);
  print(" and ");
  printDecimal(secondApicId);
  print("): give one another core, or switch hyper-threading off in the firmware");
  printLine();
}
