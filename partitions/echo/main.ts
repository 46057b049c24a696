// Says what is typed while it has the keyboard, line by line; the line "end" ends it.

import { Hypercall } from "../../kernel/policy/layout";
import { sleepUntil, startClock, tscFrequency } from "../runtime/clock";
import { startsWith } from "../runtime/command-line";
import { print, printBytes, printLine } from "../runtime/console";
import { hypercall } from "../runtime/hypervisor";
import { rdtsc } from "../runtime/processor";

const NOTHING_TYPED: u64 = u64.MAX_VALUE;
const NEWLINE: u64 = 10;
/** Looks at the keyboard in a second. */
const LOOKS: u64 = 100;
const CAPACITY: usize = 127;

const line: usize = memory.data(128, 8);
let length: usize = 0;

export function main(): void {
  startClock();
  print("echo: listening");
  printLine();
  while (!readLine() || !isEnd()) sleepUntil(rdtsc() + tscFrequency() / LOOKS);
}

/** Takes what was typed; true, with the line printed, once it is complete. */
function readLine(): bool {
  for (let byte = hypercall(Hypercall.ConsoleRead, 0, 0); byte != NOTHING_TYPED; byte = hypercall(Hypercall.ConsoleRead, 0, 0)) {
    if (byte == NEWLINE) return finishLine();
    if (length < CAPACITY) store<u8>(line + length++, <u8>byte);
  }
  return false;
}

function finishLine(): bool {
  store<u8>(line + length, 0);
  length = 0;
  print("echo: heard ");
  printBytes(line);
  printLine();
  return true;
}

function isEnd(): bool {
  return startsWith(line, "end");
}
