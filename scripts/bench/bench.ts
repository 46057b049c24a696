// What Bulkhead costs a guest, counted in Bochs, where one tick of the TSC is one instruction, so that runs repeat.

import path from "node:path";
import { startBochs, type RunResult } from "../emulator/index.ts";
import { UserError } from "../error.ts";
import { ensureGuests } from "../guests/guests.ts";
import { compileSystem } from "../policy/compile.ts";
import { startMachine } from "../commands/machine.ts";
import { buildBareLinux } from "./bare-linux.ts";
import { BENCHMARK_MEMORY, benchmarkCommandLine } from "./linux-system.ts";

export interface Benchmark {
  name: string;
  value: number;
  unit: string;
  /** The value to stay at or below; null for a figure that is there for comparison only. */
  goal: number | null;
}

const EXIT_GOALS: Record<string, number> = { "exit.cpuid": 120, "exit.vmcall": 150, "exit.rdmsr": 150 };
const LINUX_GOAL = 1.05;
const TIMEOUT_SECONDS = 300;
const LINUX_SYSTEM = path.join(import.meta.dirname, "linux-system.ts");

/** Instructions from the guest's exiting instruction to its next one, with the three of the measuring loop. */
export async function benchmarkExits(): Promise<Benchmark[]> {
  const { output } = await runSystem("bench-exits");
  return Object.entries(EXIT_GOALS).map(([name, goal]) => ({ name, value: figure(output, new RegExp(`bench ${name.replace(".", "\\.")} (\\d+)`)), unit: "instructions", goal }));
}

/** Ticks from power-on to the first instruction of /init, with Bulkhead below and without. */
export async function benchmarkLinux(): Promise<Benchmark[]> {
  const above = ticksToInit((await runSystem(LINUX_SYSTEM)).output);
  const bare = ticksToInit((await runBareLinux()).serial);
  return [
    { name: "linux.ticks", value: above, unit: "ticks", goal: null },
    { name: "linux.bare", value: bare, unit: "ticks", goal: null },
    { name: "linux.ratio", value: Number((above / bare).toFixed(4)), unit: "times bare", goal: LINUX_GOAL },
  ];
}

async function runSystem(name: string): Promise<RunResult> {
  const system = await compileSystem(name);
  const machine = await startMachine(system, { emulator: "bochs", interactive: false, timeoutSeconds: TIMEOUT_SECONDS, onOutput: () => undefined });
  return machine.finished;
}

async function runBareLinux(): Promise<RunResult> {
  const kernel = await buildBareLinux(await ensureGuests(), benchmarkCommandLine);
  const machine = await startBochs({ kernel, commandLine: "", modules: [] }, { memoryMiB: BENCHMARK_MEMORY, timeoutSeconds: TIMEOUT_SECONDS });
  return machine.finished;
}

function ticksToInit(output: string): number {
  return figure(output, /init reached, ticks (\d+)/);
}

function figure(output: string, pattern: RegExp): number {
  const match = pattern.exec(output)?.[1];
  if (match !== undefined) return Number(match);
  const last = output.trimEnd().split(/\r?\n/).slice(-10).map((line) => `  | ${line}`).join("\n");
  throw new UserError(`the benchmark's output has nothing like ${pattern.source}\n${last}`, "See what its last lines say.");
}
