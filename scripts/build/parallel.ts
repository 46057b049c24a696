// Limits how much of the build runs at once.

import { availableParallelism } from "node:os";

const limit = Math.max(2, availableParallelism());
const waiting: (() => void)[] = [];
let running = 0;

/** Runs `work` as soon as a processor is free. */
export async function whenProcessorFree<Result>(work: () => Promise<Result>): Promise<Result> {
  if (running >= limit) await new Promise<void>((resolve) => waiting.push(resolve));
  else running++;
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next === undefined) running--;
    else next();
  }
}
