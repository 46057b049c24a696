// Neighbour for attacks: keeps a marker in its memory and tells, tick by tick, whether the marker still stands.
//
// Command line: ticks=N lines (5), one each period=N milliseconds (200).

import { readMemory32, writeMemory32 } from "../runtime/attempt";
import { sleepUntil, startClock, tscFrequency } from "../runtime/clock";
import { numberOption } from "../runtime/command-line";
import { print, printDecimal, printHex, printLine } from "../runtime/console";
import { rdtsc } from "../runtime/processor";

/** Own memory that nothing else uses: the marker, and behind it a function that only returns, for attacks that execute. */
const MARKER_ADDRESS: u64 = 0x300000;
const MARKER: u32 = 0x5352544d;
const RET: u32 = 0xc3;

const scratch: usize = memory.data(8, 8);

export function main(): void {
  startClock();
  writeMemory32(MARKER_ADDRESS, MARKER);
  writeMemory32(MARKER_ADDRESS + 4, RET);
  print("witness: marker ");
  printHex(MARKER);
  print(" at ");
  printHex(MARKER_ADDRESS);
  printLine();
  const ticks = numberOption("ticks=", 5);
  const period = numberOption("period=", 200) * tscFrequency() / 1000;
  const start = rdtsc();
  for (let tick: u64 = 1; tick <= ticks; tick++) {
    sleepUntil(start + tick * period);
    printTick(tick);
  }
  print("witness: done");
  printLine();
}

function printTick(tick: u64): void {
  readMemory32(MARKER_ADDRESS, scratch);
  const found = load<u32>(scratch);
  print("witness: tick ");
  printDecimal(tick);
  print(found == MARKER ? ", marker stands" : ", marker is now ");
  if (found != MARKER) printHex(found);
  printLine();
}
