// Bochs as the benchmarks use it: one CPU, where a tick of the TSC is an instruction, and a clock that starts always at
// the same time, so that runs repeat.

import { bootImage, machineMemory } from "../commands/machine.ts";
import { startBochs, type BochsOptions, type BootImage, type RunResult } from "../emulator/index.ts";
import { UserError } from "../error.ts";
import { compileSystem } from "../policy/compile.ts";
import { lastLines } from "./output.ts";

const TIMEOUT_SECONDS = 300;
/** 2023-11-14 22:13:20 UTC. */
const START_TIME = 1_700_000_000;

/** Runs a system, named as for `bulkhead boot`, to its end; `words` are those of the kernel command line besides the console. */
export async function runSystem(name: string, options: BochsOptions = {}, words = ""): Promise<RunResult> {
  const system = await compileSystem(name);
  return runImage(bootImage(system, `console=e9 ${words}`.trim()), { memoryMiB: machineMemory(system), ...options });
}

export async function runImage(image: BootImage, options: BochsOptions): Promise<RunResult> {
  const machine = await startBochs(image, { timeoutSeconds: TIMEOUT_SECONDS, startTime: START_TIME, ...options });
  const result = await machine.finished;
  if (result.reason === "ended") return result;
  throw new UserError(`the benchmark did not end within ${TIMEOUT_SECONDS} s\n${lastLines(result.output + result.serial)}`, "See what its last lines say; a host under load needs longer.");
}
