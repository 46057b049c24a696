// Files that only one process at a time may write below build/.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../error.ts";
import { buildDirectory, projectPath } from "./paths.ts";

const buildLock = path.join(buildDirectory, "lock");
const LONGEST_WAIT = 300_000; // ms
const INTERVAL = 100; // ms

/** Runs `work` while no other process builds; waits for one that does. */
export async function withBuildLock<Result>(work: () => Promise<Result>): Promise<Result> {
  return withLock(buildLock, work);
}

/** Runs `work` while this process alone holds the lock `file`. */
export async function withLock<Result>(file: string, work: () => Promise<Result>): Promise<Result> {
  mkdirSync(path.dirname(file), { recursive: true });
  const end = Date.now() + LONGEST_WAIT;
  while (!tryLock(file)) {
    if (Date.now() > end) throw new UserError(`another process holds ${projectPath(file)} for five minutes`, "Wait for it or end it, then run this again.");
    await sleep(INTERVAL);
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

function tryLock(file: string): boolean {
  try {
    writeFileSync(file, String(process.pid), { flag: "wx" });
    return true;
  } catch {
    if (isStale(file)) rmSync(file, { force: true });
    return false;
  }
}

/** Whether the process that took the lock is gone. */
function isStale(file: string): boolean {
  try {
    const holder = Number(readFileSync(file, "utf8"));
    if (holder > 0) process.kill(holder, 0);
    return false; // a lock without a number was just made
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH"; // else it was just removed
  }
}
