// Child process of a fuzzing run: SEED COUNT. Prints one line a step, so that who started it sees a hang.

import { fuzz } from "./fuzz.ts";

const [seed, count] = process.argv.slice(2).map(Number);
if (seed === undefined || count === undefined || Number.isNaN(seed + count)) throw new Error("usage: main SEED COUNT");
try {
  const result = await fuzz({ seed, count, onProgress: (done) => process.stdout.write(`done ${done}\n`) });
  process.stdout.write(`result ${JSON.stringify(result)}\n`);
} catch (error) {
  process.stdout.write(`violation ${JSON.stringify(error instanceof Error ? error.message : String(error))}\n`);
  process.exitCode = 1;
}
