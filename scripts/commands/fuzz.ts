// `bulkhead fuzz`

import { randomInt } from "node:crypto";
import { availableParallelism } from "node:os";
import { runFuzz } from "../../tests/fuzz/children.ts";

const SEEDS = 2 ** 32;
const PROGRESS = 1_000_000;

export interface FuzzCommandOptions {
  seed?: number;
  count: number;
}

/** Fuzzes the kernel on the simulated machine; status 1 if something broke. */
export async function fuzzCommand({ seed = randomInt(SEEDS), count }: FuzzCommandOptions): Promise<void> {
  process.stdout.write(`Fuzzing with seed ${seed}, ${count.toLocaleString("en-GB")} actions.\n`);
  let told = 0;
  const run = await runFuzz(seed, count, Math.min(2, availableParallelism()), (done) => {
    if (done - told < PROGRESS) return;
    told = done;
    process.stderr.write(`${done.toLocaleString("en-GB")} done\n`);
  });
  for (const violation of run.violations) process.stdout.write(`${violation}\nRepeat with: npm run bulkhead -- fuzz --seed ${/seed (\d+)/.exec(violation)?.[1] ?? seed} --count 200000\n`);
  process.stdout.write(`${run.actions.toLocaleString("en-GB")} actions in ${run.rounds} systems, ${run.starts.toLocaleString("en-GB")} starts of the guest: ${run.violations.length === 0 ? "nothing broke" : "it broke"}.\n`);
  process.exitCode = run.violations.length === 0 ? 0 : 1;
}
