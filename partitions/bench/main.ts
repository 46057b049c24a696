// Benchmark partition: TSC ticks of one round of a loop that exits to Bulkhead. In Bochs a tick is an instruction.
// Each figure includes the three further instructions of the round. `rounds=N` on the command line sets their number.

import { measureCpuid, measureMmio, measureOut, measureRdmsr, measureVmcall } from "../runtime/benchmark";
import { numberOption } from "../runtime/command-line";
import { print, printDecimal, printLine } from "../runtime/console";
import { hasHypervisor } from "../runtime/hypervisor";

const ROUNDS: u32 = 1000;

export function main(): void {
  const rounds = max<u32>(1, <u32>numberOption("rounds=", ROUNDS));
  // The first rounds fill caches and translations.
  measureCpuid(rounds);
  report("exit.cpuid", measureCpuid(rounds), rounds);
  measureRdmsr(rounds);
  report("exit.rdmsr", measureRdmsr(rounds), rounds);
  measureMmio(rounds);
  report("exit.mmio", measureMmio(rounds), rounds);
  measureOut(rounds);
  report("exit.out", measureOut(rounds), rounds);
  if (hasHypervisor()) {
    measureVmcall(rounds);
    report("exit.vmcall", measureVmcall(rounds), rounds);
  }
}

function report(name: string, ticks: u64, rounds: u32): void {
  print("bench ");
  print(name);
  print(" ");
  printDecimal((ticks + rounds / 2) / rounds);
  printLine();
}
