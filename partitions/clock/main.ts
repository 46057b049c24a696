// Demo partition: tells what it runs on, then one line a second, then powers off.
//
// Command line: ticks=N lines (10).

import { sleepUntil, startClock, tscFrequency, usesTscDeadline } from "../runtime/clock";
import { numberOption } from "../runtime/command-line";
import { print, printDecimal, printLine } from "../runtime/console";
import { hasHypervisor, hypercallVersion } from "../runtime/hypervisor";
import { usesX2apic } from "../runtime/local-apic";
import { rdtsc } from "../runtime/processor";

export function main(): void {
  startClock();
  printBanner();
  const ticks = numberOption("ticks=", 10);
  const start = rdtsc();
  for (let tick: u64 = 1; tick <= ticks; tick++) {
    sleepUntil(start + tick * tscFrequency());
    printTick(tick, rdtsc() - start);
  }
  print("clock: done");
  printLine();
}

function printBanner(): void {
  print("clock: a partition in TypeScript on ");
  if (hasHypervisor()) {
    print("Bulkhead, hypercalls version ");
    printDecimal(hypercallVersion());
  } else {
    print("a bare machine");
  }
  printLine();
  print("clock: TSC ");
  printDecimal(tscFrequency());
  print(usesTscDeadline() ? " Hz, timer by TSC deadline" : " Hz, one-shot timer");
  print(usesX2apic() ? ", x2APIC" : ", xAPIC");
  printLine();
}

/** `elapsed`: TSC ticks since the start. */
function printTick(tick: u64, elapsed: u64): void {
  const microseconds = elapsed * 1_000_000 / tscFrequency();
  print("clock: tick ");
  printDecimal(tick);
  print(", late by ");
  printDecimal(microseconds - tick * 1_000_000);
  print(" us");
  printLine();
}
