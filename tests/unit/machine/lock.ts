// One test file compiles at a time, so that the others find the result and need not compile it too.

import { rmSync, statSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const INTERVAL = 100; // ms
/** A lock older than this was left by a process that is gone. */
const STALE = 180_000; // ms

function take(file: string): boolean {
  try {
    writeFileSync(file, "", { flag: "wx" });
    return true;
  } catch {
    return false;
  }
}

function isStale(file: string): boolean {
  try {
    return Date.now() - statSync(file).mtimeMs > STALE;
  } catch {
    return false; // just removed
  }
}

/** Runs `work` while this process alone holds `file`. */
export async function withLock<Result>(file: string, work: () => Promise<Result>): Promise<Result> {
  while (!take(file)) {
    if (isStale(file)) rmSync(file, { force: true });
    await sleep(INTERVAL);
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}
