// Finds figures in what a machine printed.

import { UserError } from "../error.ts";

const LAST_LINES = 10;

/** `bench NAME VALUE`, from partitions/bench. */
export function exitFigure(output: string, name: string): number {
  return find(output, new RegExp(`bench ${name.replaceAll(".", "\\.")} (\\d+)`));
}

/** TSC as the kernel starts the partition. */
export function partitionStart(output: string, partition: string): number {
  return find(output, new RegExp(`partition ${partition} starts on core .*, TSC (\\d+)`));
}

/** TSC as native/bare-linux.S jumps to Linux. */
export function bareStart(output: string): number {
  return find(output, /bare Linux starts, TSC (0x[0-9a-f]{16})/);
}

/** TSC at the first instruction of /init. */
export function initReached(output: string): number {
  return find(output, /init reached, ticks (\d+)/);
}

/** Instructions that ran before Bochs' debugger stopped at its breakpoint `number`, counted from 1. */
export function ticksToBreakpoint(output: string, number: number): number {
  return find(output, new RegExp(`Breakpoint ${number},.*\\nNext at t=(\\d+)`));
}

function find(output: string, pattern: RegExp): number {
  const match = pattern.exec(output)?.[1];
  if (match !== undefined) return Number(match);
  throw new UserError(`the benchmark printed nothing like ${pattern.source}\n${lastLines(output)}`, "See what its last lines say.");
}

export function lastLines(text: string): string {
  const lines = text.trimEnd().split(/\r?\n/).slice(-LAST_LINES);
  return lines.map((line) => `  | ${line}`).join("\n");
}
