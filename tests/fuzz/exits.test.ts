// Millions of random exits through kernel.wasm and monitor.wasm on the simulated machine: no fault of the kernel, no state that a
// processor refuses, no work without bound, nothing done to the machine or to the neighbour. Repeat a failure with
// `npm run bulkhead -- fuzz --seed N`. FUZZ_SEED and FUZZ_COUNT change what is run here.

import { availableParallelism } from "node:os";
import { expect, test } from "vitest";
import { runFuzz } from "./children.ts";

const SEED = Number(process.env["FUZZ_SEED"] ?? 1);
const COUNT = Number(process.env["FUZZ_COUNT"] ?? 10_000_000);
/** Where a host is slow or under load; alone on two processors it takes three minutes. */
const TIMEOUT_MS = 30 * 60_000;

test(`${COUNT} actions from seed ${SEED} break nothing`, async () => {
  process.stdout.write(`fuzzing: seed ${SEED}, ${COUNT} actions\n`);
  const run = await runFuzz(SEED, COUNT, Math.min(2, availableParallelism()));
  expect(run.violations).toEqual([]);
  expect(run.actions).toBeGreaterThanOrEqual(COUNT);
  // The guest went through resets and restarts, and its system through policies.
  expect(run.starts).toBeGreaterThan(run.rounds);
}, TIMEOUT_MS);
