// `bulkhead bench`

import { writeFileSync } from "node:fs";
import { benchmarkBoot } from "../bench/boot.ts";
import { benchmarkCode } from "../bench/code.ts";
import { benchmarkExits } from "../bench/exits.ts";
import type { Figure } from "../bench/figure.ts";
import { benchmarkLinux } from "../bench/linux.ts";
import { profileExits } from "../bench/profile.ts";
import { formatTable } from "../bench/table.ts";
import { benchmarkVtd } from "../bench/vtd.ts";
import { build } from "../build/build.ts";
import { UserError } from "../error.ts";
import { ensurePrograms } from "../setup/setup.ts";

export interface BenchOptions {
  /** File for the figures. */
  json?: string;
  profile?: boolean;
}

const BENCHMARKS = [
  ["lines of code", benchmarkCode],
  ["the boot", benchmarkBoot],
  ["exits", benchmarkExits],
  ["VT-d", benchmarkVtd],
  ["Linux with Bulkhead and bare, a minute or two", benchmarkLinux],
] as const;

export async function benchCommand(options: BenchOptions): Promise<void> {
  if (options.json !== undefined) writeJson(options.json, []); // a wrong path is told before minutes of measuring
  ensurePrograms("boot");
  await build();
  if (options.profile === true) {
    process.stdout.write(await profileExits());
    return;
  }
  const figures: Figure[] = [];
  for (const [title, benchmark] of BENCHMARKS) {
    process.stderr.write(`Measuring ${title}.\n`);
    figures.push(...(await benchmark()));
  }
  process.stdout.write(`${formatTable(figures)}\n`);
  if (options.json !== undefined) writeJson(options.json, figures);
}

function writeJson(file: string, figures: readonly Figure[]): void {
  try {
    writeFileSync(file, `${JSON.stringify(figures, null, 2)}\n`);
  } catch (error) {
    throw new UserError(`--json ${file}: ${error instanceof Error ? error.message : String(error)}`, "Name a file that can be written.");
  }
}
