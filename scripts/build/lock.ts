// One build at a time in a working tree.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../error.ts";
import { buildDirectory, projectPath } from "./paths.ts";

const lockFile = path.join(buildDirectory, "lock");
const LONGEST_WAIT = 300_000; // ms
const INTERVAL = 200; // ms

/** Runs `work` while no other process builds; waits for one that does. */
export async function withBuildLock<Result>(work: () => Promise<Result>): Promise<Result> {
  mkdirSync(buildDirectory, { recursive: true });
  const end = Date.now() + LONGEST_WAIT;
  while (!tryLock()) {
    if (Date.now() > end) throw new UserError(`another build holds ${projectPath(lockFile)} for five minutes`, "Wait for it or end it, then run this again.");
    await sleep(INTERVAL);
  }
  try {
    return await work();
  } finally {
    rmSync(lockFile, { force: true });
  }
}

function tryLock(): boolean {
  try {
    writeFileSync(lockFile, String(process.pid), { flag: "wx" });
    return true;
  } catch {
    if (!isAlive(readOwner())) rmSync(lockFile, { force: true });
    return false;
  }
}

function readOwner(): number {
  try {
    return Number(readFileSync(lockFile, "utf8"));
  } catch {
    return 0;
  }
}

function isAlive(process_: number): boolean {
  if (process_ === 0) return true; // just made or just removed
  try {
    process.kill(process_, 0);
    return true;
  } catch {
    return false;
  }
}
