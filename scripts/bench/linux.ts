// Linux's way from its first instruction to the first one of its /init, with Bulkhead below and without.

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import path from "node:path";
import { buildDirectory } from "../build/paths.ts";
import type { RunResult } from "../emulator/index.ts";
import { UserError } from "../error.ts";
import { ensureGuests } from "../guests/guests.ts";
import { buildBareLinux } from "./bare-linux.ts";
import { LINUX_RATIO_GOAL, type Figure } from "./figure.ts";
import { BENCHMARK_MEMORY, benchmarkCommandLine } from "./linux-system.ts";
import { runImage, runSystem } from "./machine.ts";
import { bareStart, initReached, partitionStart } from "./output.ts";

const SYSTEM = path.join(import.meta.dirname, "linux-system.ts");

export async function benchmarkLinux(): Promise<Figure[]> {
  const partition = (await runSystem(SYSTEM)).output;
  const bare = await runBareLinux();
  return linuxFigures(initReached(partition) - partitionStart(partition, "linux"), initReached(bare.serial) - bareStart(bare.output));
}

export function linuxFigures(bulkhead: number, bare: number): Figure[] {
  return [
    { name: "linux.ticks.bulkhead", value: bulkhead, unit: "ticks", goal: null },
    { name: "linux.ticks.bare", value: bare, unit: "ticks", goal: null },
    { name: "linux.ratio", value: Number((bulkhead / bare).toFixed(4)), unit: "times bare", goal: LINUX_RATIO_GOAL },
  ];
}

async function runBareLinux(): Promise<RunResult> {
  const parent = path.join(buildDirectory, "bench");
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(path.join(parent, "bare-linux-"));
  try {
    const kernel = await buildBareLinux(await ensureGuests(), benchmarkCommandLine, folder);
    const result = await runImage({ kernel, commandLine: "", modules: [] }, { memoryMiB: BENCHMARK_MEMORY });
    return checkBareLinux(result);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Without PCI its ACPI prints errors for seconds, which would flatter Bulkhead. */
function checkBareLinux(result: RunResult): RunResult {
  if (!result.serial.includes("PCI: Fatal")) return result;
  throw new UserError("bare Linux did not find its PCI bus, so that its time says nothing", "Run the benchmark again.");
}
