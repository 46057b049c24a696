// A fuzzing run in child processes, one for each processor that it may use. Whoever falls silent hangs, and is ended.

import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { projectDirectory } from "../../scripts/policy/project.ts";
import type { FuzzResult } from "./fuzz.ts";

const WORKER = path.join(projectDirectory, "scripts/build/worker.mjs");
const MAIN = path.join(projectDirectory, "tests/fuzz/main.ts");
/** A step of the slowest host under load is over in a tenth of this. */
const SILENCE_MS = 120_000;
/** More rounds than one child runs, so that no two of them run the same. */
const SEED_DISTANCE = 100_000;

export interface FuzzRun extends FuzzResult {
  /** What went wrong, with the seed that repeats it. */
  violations: string[];
}

/** Runs `count` actions from `seed` on, in `children` processes. */
export async function runFuzz(seed: number, count: number, children: number, onProgress: (done: number) => void = () => {}): Promise<FuzzRun> {
  const done = new Array<number>(children).fill(0);
  const share = Math.ceil(count / children);
  const runs = done.map((_, child) =>
    runChild((seed + child * SEED_DISTANCE) >>> 0, share, (actions) => {
      done[child] = actions;
      onProgress(done.reduce((sum, actionsOfChild) => sum + actionsOfChild, 0));
    }),
  );
  const results = await Promise.all(runs);
  return results.reduce((sum, run) => ({
    actions: sum.actions + run.actions, rounds: sum.rounds + run.rounds, starts: sum.starts + run.starts, violations: [...sum.violations, ...run.violations],
  }));
}

async function runChild(seed: number, count: number, onProgress: (done: number) => void): Promise<FuzzRun> {
  const run: FuzzRun = { actions: 0, rounds: 0, starts: 0, violations: [] };
  const child = spawn(process.execPath, [WORKER, "assemblyscript", MAIN, String(seed), String(count)], { cwd: projectDirectory, stdio: ["ignore", "pipe", "inherit"] });
  const closed = once(child, "close");
  const hang = setTimeout(() => {
    run.violations.push(`seed ${seed}: a hang after ${run.actions} actions`);
    child.kill("SIGKILL");
  }, SILENCE_MS);
  for await (const line of createInterface({ input: child.stdout })) {
    hang.refresh();
    const [word = "", rest = ""] = [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1)];
    if (word === "done") onProgress((run.actions = Number(rest)));
    else if (word === "result") Object.assign(run, JSON.parse(rest));
    else if (word === "violation") run.violations.push(JSON.parse(rest) as string);
  }
  clearTimeout(hang);
  const [status] = (await closed) as [number | null];
  if (status !== 0 && run.violations.length === 0) run.violations.push(`seed ${seed}: the child ended with status ${status}`);
  return run;
}
