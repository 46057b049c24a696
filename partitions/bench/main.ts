// Benchmark partition: TSC ticks of one round of a loop that exits to Bulkhead. In Bochs a tick is an instruction.
// Each figure includes the three further instructions of the round.

import { measureCpuid, measureRdmsr, measureVmcall } from "../runtime/benchmark";
import { print, printDecimal, printLine } from "../runtime/console";
import { hasHypervisor } from "../runtime/hypervisor";

const ROUNDS: u32 = 1000;

export function main(): void {
  // The first rounds fill caches and translations.
  measureCpuid(ROUNDS);
  report("exit.cpuid", measureCpuid(ROUNDS));
  measureRdmsr(ROUNDS);
  report("exit.rdmsr", measureRdmsr(ROUNDS));
  if (hasHypervisor()) {
    measureVmcall(ROUNDS);
    report("exit.vmcall", measureVmcall(ROUNDS));
  }
}

function report(name: string, ticks: u64): void {
  print("bench ");
  print(name);
  print(" ");
  printDecimal((ticks + ROUNDS / 2) / ROUNDS);
  printLine();
}
